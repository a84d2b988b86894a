#pragma once

#include <algorithm>

#include "retinaface/geometry.h"

namespace retinaface {
inline namespace internal {

/// Area in square pixels; 0 for an inverted box.
inline float area(const Box& box) {
  return std::max(box.width(), 0.0F) * std::max(box.height(), 0.0F);
}

/// The part that two boxes share; inverted or empty when they share nothing.
inline Box intersection(const Box& a, const Box& b) {
  return {std::max(a.x0, b.x0), std::max(a.y0, b.y0), std::min(a.x1, b.x1), std::min(a.y1, b.y1)};
}

inline bool contains(const Box& box, const Point& point) {
  return point.x >= box.x0 && point.x < box.x1 && point.y >= box.y0 && point.y < box.y1;
}

/// The box grown on all sides by a share of its width and height.
inline Box grown(const Box& box, float share) {
  const float x = share * box.width();
  const float y = share * box.height();
  return {box.x0 - x, box.y0 - y, box.x1 + x, box.y1 + y};
}

/// Intersection over union, in [0, 1]; 0 when both boxes are empty.
inline float iou(const Box& a, const Box& b) {
  const float shared = area(intersection(a, b));
  const float whole = area(a) + area(b) - shared;
  return whole > 0 ? shared / whole : 0.0F;
}

}  // namespace internal
}  // namespace retinaface
