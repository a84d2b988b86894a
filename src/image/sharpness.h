#pragma once

#include <cstdint>
#include <span>

#include "retinaface/image.h"

namespace retinaface {
inline namespace internal {

/// How sharp an image is, 0 (nothing to be seen) to 1: 1 less the blur effect of Crete, Dolmiere,
/// Ladret and Nicolas, "The blur effect: perception and estimation with a new no-reference
/// perceptual blur metric" (2007). An image is smoothed by the mean of nine pixels, along rows and
/// along columns; the sharper it was, the larger the share of the differences between neighbours
/// that this takes away, which is the figure. Of the two directions the worse counts. What is taken
/// away counts less one gray level, by which rounding alone makes neighbours differ: without that a
/// face blurred beyond recognition would look sharp again. Brightness makes no difference,
/// contrast little; noise counts as sharpness.
///
/// `mask`: as many bytes as the image has pixels, row by row; where it is 0 there is no image. A
/// difference counts where its pixels and those that they are smoothed with are there. Images of
/// fewer than nine pixels in a direction have none in it.
float sharpness(const ImageView& image, std::span<const std::uint8_t> mask = {});

}  // namespace internal
}  // namespace retinaface
