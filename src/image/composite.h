#pragma once

#include <array>
#include <cstdint>
#include <span>

#include "retinaface/image.h"

namespace retinaface {
inline namespace internal {

/// Lays an image with transparency on a background: color * alpha + background * (1 - alpha).
/// `alpha` has a byte for each pixel, row after row, 255 for opaque; none leaves the image as it
/// is. Where all pixels come out as the background though some are not transparent, as of white
/// strokes on white, the opposite background is taken.
void composite(Image& image, std::span<const std::uint8_t> alpha,
               const std::array<std::uint8_t, 3>& background);

}  // namespace internal
}  // namespace retinaface
