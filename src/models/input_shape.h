#pragma once

#include "graph/operators.h"
#include "models/network_spec.h"

namespace retinaface::models {

/// What a network's input is for an image of width x height pixels: its sides filled up to
/// multiples of NetworkSpec::side_multiple, whether or not the network takes that.
graph::Shape padded_shape(const NetworkSpec& network, int width, int height);

/// The same for a network that is to run. Throws Error(kUnsupported) where the graph, one of a
/// model file, takes no image of this size.
graph::Shape input_shape(const NetworkSpec& network, const graph::Graph& graph, int width,
                         int height);

}  // namespace retinaface::models
