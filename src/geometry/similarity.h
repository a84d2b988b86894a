#pragma once

#include <span>

#include "retinaface/geometry.h"

namespace retinaface {
inline namespace internal {

/// A rotation, uniform scaling and shift: (x, y) to (a x - b y + shift.x, b x + a y + shift.y).
struct Similarity {
  float a = 1;
  float b = 0;
  Point shift;

  Point operator()(const Point& p) const {
    return {a * p.x - b * p.y + shift.x, b * p.x + a * p.y + shift.y};
  }

  /// This one after `first`: p to (*this)(first(p)).
  Similarity after(const Similarity& first) const {
    return {a * first.a - b * first.b, b * first.a + a * first.b, (*this)(first.shift)};
  }
};

/// The similarity that brings the points `from` closest to `to`, pair by pair, in the sum of
/// squares (Umeyama 1991 without reflection, in closed form). As many of each, at least one; if all
/// of `from` are in one place, the shift alone.
Similarity fit_similarity(std::span<const Point> from, std::span<const Point> to);

}  // namespace internal
}  // namespace retinaface
