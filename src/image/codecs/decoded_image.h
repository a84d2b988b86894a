#pragma once

#include <cstddef>
#include <span>
#include <string>

#include "retinaface/image.h"

#include "image/codecs/capture_notes.h"

namespace retinaface {
inline namespace internal {

/// What decode_image makes of a file.
struct DecodedImage {
  Image image;
  int width = 0;       ///< of the whole image as it is shown
  int height = 0;      ///< the same
  int reduction = 1;   ///< sides of pixels of the whole image in one of `image`
  int left = 0;        ///< where `image` begins in the whole one, in its pixels: 0, or a part of a
  int top = 0;         ///< reduced pixel outside, which its sides were rounded up by
  CaptureNotes notes;  ///< of the EXIF data; of JPEG XL, and of formats without any, none
};

/// decode_image (retinaface/image.h), and what else the file tells. With a `reduction` of 2, 4 or 8
/// JPEGs become images of that part of their sides, rounded up, by the lowest frequencies of their
/// blocks alone, in a fraction of the time. Other formats have no such way: their reduction is 1.
DecodedImage decode_image(std::span<const std::byte> encoded, const ReadOptions& options,
                          const std::string& name, int reduction);

}  // namespace internal
}  // namespace retinaface
