#pragma once

#include <cstdint>
#include <span>

#include "graph/graph.h"

namespace retinaface::models {

/// Feature pyramid (Lin et al. 2017) on `maps`, finest first: lateral 1x1 convolutions, top-down
/// addition, a 3x3 convolution on each sum. Replaces each map by its level of the pyramid.
void feature_pyramid(graph::Graph& graph, std::span<graph::NodeId> maps, std::int64_t channels,
                     float slope);

/// Context module (SSH, Najibi et al. 2017): a 3x3 branch of half the channels beside two of a
/// quarter that see 5x5 and 7x7, concatenated, ReLU. `level` counts from 0.
graph::NodeId context_module(graph::Graph& graph, int level, graph::NodeId input,
                             std::int64_t channels, float slope);

/// The three 1x1 heads of one level and the graph's outputs for it (models::Model).
void heads(graph::Graph& graph, int level, graph::NodeId input, std::int64_t anchors_per_cell);

}  // namespace retinaface::models
