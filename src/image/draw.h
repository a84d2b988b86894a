#pragma once

#include <array>
#include <cstdint>
#include <span>

#include "retinaface/geometry.h"
#include "retinaface/image.h"

namespace retinaface {
inline namespace internal {

/// What is drawn for one face, in pixels of the image that is drawn on.
struct FaceMark {
  Box box;
  Landmarks landmarks{};
  float score = 0;
  std::int64_t track = 0;  ///< its number in a video, which gives its box a color; 0 for none
};

struct DrawOptions {
  bool landmarks = true;
  /// Scores stand above their boxes, or inside where there is no room above, behind the track's
  /// number if there is one. Faces too small for a legible one go without.
  bool scores = true;
};

/// Draws each face's box and five points: the left eye and mouth corner (as seen in the image) in
/// red, the right ones in blue, the nose in yellow. Lines, points and figures grow with the face
/// and with the image. What lies outside the image is cut off; a box without area and what is
/// not a number are left out.
void draw_faces(Image& image, std::span<const FaceMark> faces, const DrawOptions& options = {});

using Color = std::array<std::uint8_t, 3>;  ///< red, green, blue

/// Of 0xRRGGBB.
inline Color color_of(std::uint32_t rgb) {
  return {static_cast<std::uint8_t>(rgb >> 16), static_cast<std::uint8_t>(rgb >> 8),
          static_cast<std::uint8_t>(rgb)};
}

/// Draws one box as draw_faces does, in a color of the caller's.
void draw_box(Image& image, const Box& box, const Color& color);

}  // namespace internal
}  // namespace retinaface
