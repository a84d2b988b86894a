#pragma once

#include <vector>

#include "retinaface/face.h"

namespace retinaface::detection {

/// Moves a face found in a part of an image, whose corner is at (x, y) of it, into its frame.
inline void move(Face& face, float x, float y) {
  Box& box = face.box;
  box = {box.x0 + x, box.y0 + y, box.x1 + x, box.y1 + y};
  for (Point& point : face.landmarks) point = {point.x + x, point.y + y};
}

/// Moves faces found in a resized image into the frame of the original.
inline void rescale(std::vector<Face>& faces, float factor_x, float factor_y) {
  for (Face& face : faces) {
    Box& box = face.box;
    box = {box.x0 * factor_x, box.y0 * factor_y, box.x1 * factor_x, box.y1 * factor_y};
    for (Point& point : face.landmarks) point = {point.x * factor_x, point.y * factor_y};
  }
}

}  // namespace retinaface::detection
