#pragma once

#include <cstddef>
#include <span>

#include "retinaface/image.h"

namespace retinaface {
inline namespace internal {

/// The orientation, 1 to 8, that a block of EXIF data names (with or without the "Exif\0\0" in
/// front); 1 when it names none or is malformed: an image is not refused for its metadata.
int exif_orientation(std::span<const std::byte> exif);

/// Whether a block of EXIF data says that colors are Adobe RGB, as cameras do that write no profile
/// (DCF 2.0, interoperability index "R03").
bool exif_says_adobe_rgb(std::span<const std::byte> exif);

/// How images of an orientation are turned upright: transposed first, if at all, then mirrored left
/// to right, top to bottom, or both.
struct Turn {
  bool exchanges_sides;
  bool mirrors_x;
  bool mirrors_y;
};
constexpr Turn turn_of(int orientation) {
  const auto is_one_of = [orientation](int a, int b, int c, int d) {
    return orientation == a || orientation == b || orientation == c || orientation == d;
  };
  return {orientation >= 5, is_one_of(2, 3, 6, 7), is_one_of(3, 4, 7, 8)};
}

/// The image as it is meant to be seen, from the pixels as stored and the EXIF orientation
/// (EXIF 2.32, tag 0x0112): 1 as stored, 2 mirrored, 3 half turn, 4 upside down and mirrored,
/// 5 to 8 with width and height exchanged.
Image upright(Image stored, int orientation);

}  // namespace internal
}  // namespace retinaface
