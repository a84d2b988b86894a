#pragma once

#include "retinaface/image.h"

namespace retinaface {
inline namespace internal {

/// The image at another size, as RGB: along each axis the average over the area that a new pixel
/// covers where it shrinks, linear between pixel centres where it grows (the border repeats). The
/// frames share their corner: a point at (x, y) moves to (x * width / image.width, y * height /
/// image.height), geometry.h. Values are rounded to nearest. Runs on the calling thread alone.
/// Throws Error(kInvalidArgument) when either image has no pixel.
Image resize(const ImageView& image, int width, int height);
inline Image resize(const Image& image, int width, int height) {
  return resize(image.view(), width, height);
}

}  // namespace internal
}  // namespace retinaface
