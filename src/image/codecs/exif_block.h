#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string_view>

#include <libexif/exif-data.h>

namespace retinaface {
inline namespace internal {

inline constexpr std::string_view kExifHeader("Exif\0\0", 6);

using ExifBlock = std::unique_ptr<ExifData, decltype(&exif_data_unref)>;

/// The entries of a block of EXIF data, with or without the header in front; null where it is
/// malformed.
ExifBlock parse_exif(std::span<const std::byte> exif);

}  // namespace internal
}  // namespace retinaface
