#pragma once

#include <algorithm>
#include <cstddef>
#include <vector>

#include "retinaface/detector.h"

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

/// Which of the faces found in an image of this size, sorted by score, the options ask for by
/// min_score, min_size_px, clip_to_image and max_faces: their indices, in order.
std::vector<std::size_t> select_faces(const std::vector<Face>& found, const DetectOptions& options,
                                      int width, int height);

}  // namespace retinaface::detection
