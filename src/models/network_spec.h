#pragma once

#include <array>
#include <functional>

#include "graph/graph.h"

namespace retinaface::models {

/// What a network takes: the image's 8-bit values in this channel order, less the mean.
struct Preprocessing {
  bool bgr = true;                        ///< channel order: blue first, or red first
  std::array<float, 3> mean = {0, 0, 0};  ///< in the network's channel order, 0 to 255
};

/// A network whatever stands on it, be it a detector or something else: what is computed, and of
/// what. With weights that fit the graph it can be run (runtime/backend.h).
struct NetworkSpec {
  /// The graph's input is the image (N, 3, H, W).
  std::function<graph::Graph()> build;
  Preprocessing preprocessing;
  /// Images are filled up with zeros, on the right and below, to sides that are multiples of it.
  int side_multiple = 1;
  /// What an image classifier that lends its backbone divides its images by, in the network's
  /// channel order, beyond what `preprocessing` does. Its first convolution takes that over.
  std::array<float, 3> classifier_deviation = {1, 1, 1};
};

}  // namespace retinaface::models
