#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "graph/graph.h"

namespace retinaface::models {

// The few compositions that all networks are built from. Names follow the public PyTorch family's
// modules, so that its checkpoints load without a table of names.

/// Maps at strides that double from one to the next, finest first.
using Pyramid = std::vector<graph::NodeId>;

struct ConvBnOptions {
  std::int64_t kernel = 3;
  std::int64_t stride = 1;
  std::int64_t groups = 1;
  /// A deformable convolution, its offsets from a convolution NAME.first.offset beside it.
  bool deformable = false;
};

/// Convolution NAME.first and batch normalisation NAME.(first + 1), "same" padding, no bias.
graph::NodeId conv_bn(graph::Graph& graph, const std::string& name, int first, graph::NodeId input,
                      std::int64_t out_channels, const ConvBnOptions& options = {});

/// The same, then LeakyRelu NAME.(first + 2); slope 0 is ReLU.
graph::NodeId conv_bn_relu(graph::Graph& graph, const std::string& name, int first,
                           graph::NodeId input, std::int64_t out_channels, float slope,
                           const ConvBnOptions& options = {});

/// Of the activations of the light backbones.
inline constexpr float kLeakySlope = 0.1F;

/// Depthwise 3x3 of this stride, then pointwise 1x1 convolution, each normalised and activated:
/// NAME.0 to NAME.5.
graph::NodeId separable(graph::Graph& graph, const std::string& name, graph::NodeId input,
                        std::int64_t in_channels, std::int64_t out_channels, std::int64_t stride);

}  // namespace retinaface::models
