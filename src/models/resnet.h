#pragma once

#include <string>

#include "models/layers.h"

namespace retinaface::models {

/// Residual networks (He et al. 2016) up to their last convolution: maps at strides 4, 8, 16 and 32
/// (C2 to C5). Nodes are named after `prefix` as torchvision names its modules
/// (PREFIX.layer1.0.conv1), and strides lie where it has them, in the 3x3 convolutions, so that its
/// ImageNet weights fit.
Pyramid resnet18(graph::Graph& graph, const std::string& prefix, graph::NodeId image);
Pyramid resnet50(graph::Graph& graph, const std::string& prefix, graph::NodeId image);
Pyramid resnet152(graph::Graph& graph, const std::string& prefix, graph::NodeId image);

}  // namespace retinaface::models
