#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "retinaface/image.h"

namespace retinaface {
inline namespace internal {

/// Refuses what is no image, for the functions that callers hand views to; `name` begins the
/// message. Throws Error: kInvalidArgument for one without pixels or whose stride is shorter than a
/// row, kTooLarge for a side over kMaxImageSide.
void check_view(const ImageView& image, std::string_view name);

/// Writes row `y` of an image of any format as RGB to `rgb`, 3 * width bytes. Gray fills all three
/// channels, alpha is dropped.
void copy_row_as_rgb(const ImageView& image, int y, std::span<std::uint8_t> rgb);

/// A copy of an image of any format as RGB.
Image to_rgb(const ImageView& image);

/// The pixels [x, x + width) x [y, y + height) of an image, in place; they must be within it.
ImageView part_of(const ImageView& image, int x, int y, int width, int height);

/// Exchanges left and right.
void mirror(Image& image);

}  // namespace internal
}  // namespace retinaface
