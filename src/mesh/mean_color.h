#pragma once

#include <array>
#include <cstddef>

#include "retinaface/image.h"

#include "mesh/vector.h"

namespace retinaface::mesh {

/// Means of squares of an image, each by at most kTaps^2 pixels spread over it.
class MeanColor {
 public:
  static constexpr int kTaps = 4;

  /// Squares of `side` pixels; `image` must outlive this.
  MeanColor(const ImageView& image, float side);

  /// Red, green and blue, 0 to 1, of the square around a point of the image. What lies outside is
  /// as the image's edge.
  Vector operator()(float x, float y) const;

 private:
  int place(float center, int tap, int size) const;

  const ImageView& image_;
  std::ptrdiff_t pixel_bytes_;
  std::array<std::ptrdiff_t, 3> channels_;  // where red, green and blue lie in a pixel
  int taps_;
  float step_;
};

}  // namespace retinaface::mesh
