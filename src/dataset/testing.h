#pragma once

#include <cstring>

#include "retinaface/image.h"

#include "dataset/annotation.h"

namespace retinaface::dataset {

/// A face with everything that can be said of one, in numbers that all formats hold exactly.
inline AnnotatedFace full_face() {
  AnnotatedFace face{
      .box = {10.5F, 20, 50.5F, 70.25F},
      .points_score = 0.75F,
      .attributes = {.blur = 2, .expression = 1, .illumination = 1, .occlusion = 2, .pose = 1},
      .quality = 3};
  face.points = {{{{20.25F, 35}, PointState::kVisible},
                  {{40.5F, 35}, PointState::kHidden},
                  {{30, 45}, PointState::kVisible},
                  {},
                  {{38, 60.75F}, PointState::kVisible}}};
  return face;
}

/// Two images with faces, one without; known sizes.
inline AnnotationSet full_set() {
  AnnotatedFace ignored{.box = {0, 0, 8, 9}, .ignored = true};
  return {{"0--Parade/an image.jpg", {full_face(), ignored}, 100, 80},
          {"b.png", {{.box = {1, 2, 4, 6}}}, 64, 64},
          {"c.webp", {}, 32, 16}};
}

/// The same without sizes, which not all formats have.
inline AnnotationSet without_sizes(AnnotationSet set) {
  for (AnnotatedImage& image : set) image.width = image.height = 0;
  return set;
}

inline bool same_pixels(const Image& a, const Image& b) {
  if (a.width() != b.width() || a.height() != b.height()) return false;
  const auto row_bytes = static_cast<std::size_t>(a.stride());
  for (int y = 0; y < a.height(); ++y) {
    if (std::memcmp(a.row(y), b.row(y), row_bytes) != 0) return false;
  }
  return true;
}

}  // namespace retinaface::dataset
