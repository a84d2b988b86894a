#pragma once

#include <algorithm>

#include "retinaface/face.h"

#include "geometry/box.h"

namespace retinaface::detection {

/// Whether a face is as large as DetectOptions::min_size_px asks for.
inline bool is_large_enough(const Face& face, float min_size_px) {
  return std::min(face.box.width(), face.box.height()) >= min_size_px;
}

/// The part of a box that lies in an image of this size; without area, or inverted, where none
/// does.
inline Box clipped(const Box& box, int width, int height) {
  return intersection(box, {0, 0, static_cast<float>(width), static_cast<float>(height)});
}

/// Whether any part of the face's box lies in the image, as DetectOptions::clip_to_image asks for.
inline bool is_in_image(const Face& face, int width, int height) {
  return area(clipped(face.box, width, height)) > 0;
}

}  // namespace retinaface::detection
