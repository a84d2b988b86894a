#pragma once

#include <array>
#include <string>

#include "graph/graph.h"

namespace retinaface::models {

/// Maps of a backbone at strides 8, 16 and 32.
using Pyramid = std::array<graph::NodeId, 3>;

/// MobileNet v1 (Howard et al. 2017) with a quarter of the channels, up to its last convolution.
/// Node names start with `prefix`.
Pyramid mobilenet025(graph::Graph& graph, const std::string& prefix, graph::NodeId image);

}  // namespace retinaface::models
