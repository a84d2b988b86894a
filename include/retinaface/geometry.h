#pragma once

#include <array>

namespace retinaface {

/// A position in an image, in pixels: x right, y down, the image's corner at (0, 0), the centre
/// of its first pixel at (0.5, 0.5).
struct Point {
  float x = 0;
  float y = 0;

  friend constexpr bool operator==(const Point& a, const Point& b) {
    return a.x == b.x && a.y == b.y;
  }
  friend constexpr bool operator!=(const Point& a, const Point& b) { return !(a == b); }
};

/// An axis-aligned box [x0, x1) x [y0, y1) in pixels of the same frame as Point. Half-open: its
/// width is x1 - x0, with no +1.
struct Box {
  float x0 = 0;
  float y0 = 0;
  float x1 = 0;
  float y1 = 0;

  float width() const { return x1 - x0; }
  float height() const { return y1 - y0; }
  Point center() const { return {(x0 + x1) / 2, (y0 + y1) / 2}; }

  friend constexpr bool operator==(const Box& a, const Box& b) {
    return a.x0 == b.x0 && a.y0 == b.y0 && a.x1 == b.x1 && a.y1 == b.y1;
  }
  friend constexpr bool operator!=(const Box& a, const Box& b) { return !(a == b); }
};

/// Five facial points: left eye, right eye, nose tip, left and right mouth corner; left and right
/// as seen in the image.
using Landmarks = std::array<Point, 5>;

}  // namespace retinaface
