#pragma once

#include <cstdint>
#include <string>

#include "models/layers.h"

namespace retinaface::models {

/// The first convolution: 3x3 at stride 2, or larger and coarser for speed.
struct MobileNetStem {
  std::int64_t kernel = 3;
  std::int64_t stride = 2;  ///< 2 or 4
};

/// MobileNet v1 (Howard et al. 2017) with a quarter of the channels, up to its last convolution:
/// maps at strides 8, 16 and 32. With a stem of stride 4 the first reduction behind it is left out.
/// Node names start with `prefix`.
Pyramid mobilenet025(graph::Graph& graph, const std::string& prefix, graph::NodeId image,
                     const MobileNetStem& stem = {});

}  // namespace retinaface::models
