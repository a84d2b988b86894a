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

/// How far ahead of what is read of an image its bytes are asked for: the cores' own prefetching
/// ends with each page of memory, and an image has one every row or two.
inline constexpr std::ptrdiff_t kPixelBytesAhead = 2048;

}  // namespace internal
}  // namespace retinaface
