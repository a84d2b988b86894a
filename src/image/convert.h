#pragma once

#include <cstdint>
#include <span>

#include "retinaface/image.h"

namespace retinaface {

/// Writes row `y` of a picture of any format as RGB to `rgb`, 3 * width bytes. Grey fills all three
/// channels, alpha is dropped.
void copy_row_as_rgb(const ImageView& image, int y, std::span<std::uint8_t> rgb);

/// A copy of a picture of any format as RGB.
Image to_rgb(const ImageView& image);

/// The pixels [x, x + width) x [y, y + height) of a picture, in place; they must be within it.
ImageView part_of(const ImageView& image, int x, int y, int width, int height);

/// Exchanges left and right.
void mirror(Image& image);

}  // namespace retinaface
