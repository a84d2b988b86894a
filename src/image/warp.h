#pragma once

#include "retinaface/image.h"

#include "geometry/similarity.h"

namespace retinaface {
inline namespace internal {

/// The image of width x height pixels whose point p is `image`'s point image_from_result(p), as
/// RGB: linear between pixel centres, averaged over the area that a pixel covers where it shrinks,
/// black outside. Throws Error(kInvalidArgument) when either image has no pixel.
Image warp(const ImageView& image, const Similarity& image_from_result, int width, int height);
inline Image warp(const Image& image, const Similarity& image_from_result, int width, int height) {
  return warp(image.view(), image_from_result, width, height);
}

}  // namespace internal
}  // namespace retinaface
