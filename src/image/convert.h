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

}  // namespace retinaface
