#pragma once

#include <cstddef>
#include <cstdlib>
#include <span>
#include <string>
#include <vector>

#include "allow_errors.h"
#include "dataset/annotation.h"

namespace retinaface::fuzz {

inline std::vector<std::byte> bytes_of(const std::string& text) {
  const auto bytes = std::as_bytes(std::span(text));
  return {bytes.begin(), bytes.end()};
}

/// False where rounding may move a coordinate beyond what the readers take.
inline bool is_far_from_limits(const dataset::AnnotationSet& set) {
  constexpr float kFar_px = 1e5F;
  for (const dataset::AnnotatedImage& image : set) {
    for (const dataset::AnnotatedFace& face : image.faces) {
      const Box& box = face.box;
      for (const float c : {box.x0, box.y0, box.x1, box.y1}) {
        if (!(c > -kFar_px && c < kFar_px)) return false;
      }
      for (const dataset::AnnotatedPoint& point : face.points) {
        const Point& at = point.position;
        if (!(at.x > -kFar_px && at.x < kFar_px && at.y > -kFar_px && at.y < kFar_px)) return false;
      }
    }
  }
  return true;
}

inline bool has_the_same_entries(const dataset::AnnotationSet& a, const dataset::AnnotationSet& b) {
  if (a.size() != b.size()) return false;
  for (std::size_t i = 0; i < a.size(); ++i) {
    if (a[i].path != b[i].path || a[i].faces.size() != b[i].faces.size()) return false;
    for (std::size_t k = 0; k < a[i].faces.size(); ++k) {
      if (a[i].faces[k].ignored != b[i].faces[k].ignored) return false;
    }
  }
  return true;
}

/// What was read from anything can be written, and is then read as the same; or the writer says by
/// an Error that it cannot.
template <typename Format, typename Parse>
void expect_round_trip(const dataset::AnnotationSet& set, Format format, Parse parse) {
  if (!is_far_from_limits(set)) return;
  std::string text;
  bool written = false;
  allow_errors([&] {
    text = format(set);
    written = true;
  });
  if (written && !has_the_same_entries(parse(bytes_of(text)), set)) std::abort();
}

}  // namespace retinaface::fuzz
