#pragma once

#include <optional>
#include <vector>

#include "retinaface/geometry.h"
#include "retinaface/mesh.h"

namespace retinaface {

/// One detected face, in pixels of the image that was given.
struct Face {
  float score = 0;  ///< probability of being a face, 0 to 1
  Box box;
  Landmarks landmarks{};
  /// Of the model's heads beyond those of score, box and landmarks, in their order; empty for the
  /// models of this library.
  std::vector<float> values{};
  /// Its three-dimensional shape, where DetectOptions::mesh asked for it.
  std::optional<FaceMesh> mesh{};
};

}  // namespace retinaface
