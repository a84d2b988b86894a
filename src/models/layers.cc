#include "models/layers.h"

#include <fmt/format.h>

namespace retinaface::models {

graph::NodeId conv_bn(graph::Graph& graph, const std::string& name, int first, graph::NodeId input,
                      std::int64_t out_channels, const ConvBnOptions& options) {
  const graph::NodeId conv = graph.add(fmt::format("{}.{}", name, first),
                                       graph::Convolution{.out_channels = out_channels,
                                                          .kernel = options.kernel,
                                                          .stride = options.stride,
                                                          .padding = options.kernel / 2,
                                                          .groups = options.groups},
                                       {input});
  return graph.add(fmt::format("{}.{}", name, first + 1), graph::BatchNorm{}, {conv});
}

graph::NodeId conv_bn_relu(graph::Graph& graph, const std::string& name, int first,
                           graph::NodeId input, std::int64_t out_channels, float slope,
                           const ConvBnOptions& options) {
  const graph::NodeId norm = conv_bn(graph, name, first, input, out_channels, options);
  return graph.add(fmt::format("{}.{}", name, first + 2), graph::LeakyRelu{slope}, {norm});
}

}  // namespace retinaface::models
