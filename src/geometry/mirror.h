#pragma once

#include <array>
#include <cstddef>

#include "retinaface/geometry.h"

namespace retinaface {
inline namespace internal {

/// The landmark that a mirror puts in the place of each: left ones and right ones change places.
inline constexpr std::array<std::size_t, 5> kMirrorCounterpart = {1, 0, 2, 4, 3};

/// The box as it is in the mirrored image, which is `width` pixels wide.
inline Box mirrored(const Box& box, float width) {
  return {width - box.x1, box.y0, width - box.x0, box.y1};
}

inline Point mirrored(const Point& point, float width) {
  return {width - point.x, point.y};
}

/// What belongs to the five landmarks, each in the place of its counterpart.
template <typename T>
std::array<T, 5> sides_exchanged(const std::array<T, 5>& values) {
  std::array<T, 5> result{};
  for (std::size_t k = 0; k < values.size(); ++k) result[k] = values[kMirrorCounterpart[k]];
  return result;
}

/// The landmarks as they are in the mirrored image: what was the left eye is the right one.
inline Landmarks mirrored(const Landmarks& landmarks, float width) {
  Landmarks result = sides_exchanged(landmarks);
  for (Point& point : result) point = mirrored(point, width);
  return result;
}

}  // namespace internal
}  // namespace retinaface
