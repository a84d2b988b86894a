#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "image/codecs/capture_notes.h"

namespace retinaface {
inline namespace internal {

/// How many bytes of a file's beginning, and of its end, tell whether it is marked.
inline constexpr std::size_t kImageOriginBytes = 512;

/// The same encoded JPEG, PNG or WebP image with kOriginMark in it and a checksum of what is behind
/// it: a JPEG comment, PNG's text "Software", WebP's XMP; and with the notes, if there are any, as
/// EXIF data. Other bytes come back as they are. An image is marked once: `encoded` must have no
/// mark and, in WebP, none of the extended format's chunks.
std::vector<std::byte> with_origin_mark(std::vector<std::byte> encoded,
                                        const CaptureNotes& notes = {});

/// Whether an encoded image is one that with_origin_mark made. `beginning` and `end` are its first
/// and last kImageOriginBytes bytes, or all of a shorter one.
bool has_origin_mark(std::span<const std::byte> beginning, std::span<const std::byte> end);

/// Whether all of an encoded image is as with_origin_mark made it: programs that edit images keep
/// comments. Of marks without a checksum, which former versions wrote, nobody can tell: false.
bool is_as_marked(std::span<const std::byte> encoded);

}  // namespace internal
}  // namespace retinaface
