#pragma once

#include <array>
#include <cstddef>

#include "retinaface/image.h"

namespace retinaface {
inline namespace internal {

/// An image as networks read it: its 8-bit values as three channels, less the mean.
struct PixelSource {
  ImageView image;
  /// The channel that each byte of a pixel is, of those in color: {0, 1, 2} or {2, 1, 0}. Gray
  /// pixels are all three.
  std::array<std::size_t, 3> channel = {0, 1, 2};
  std::array<float, 3> mean = {0, 0, 0};  ///< by channel
};

}  // namespace internal
}  // namespace retinaface
