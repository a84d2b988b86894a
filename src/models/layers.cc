#include "models/layers.h"

#include <fmt/format.h>

#include "base/check.h"

namespace retinaface::models {
namespace {

using graph::NodeId;

NodeId convolution(graph::Graph& graph, const std::string& name, NodeId input,
                   std::int64_t out_channels, const ConvBnOptions& options) {
  const std::int64_t padding = options.kernel / 2;
  if (!options.deformable) {
    return graph.add(name,
                     graph::Convolution{.out_channels = out_channels,
                                        .kernel = options.kernel,
                                        .stride = options.stride,
                                        .padding = padding,
                                        .groups = options.groups},
                     {input});
  }
  RF_CHECK(options.groups == 1);
  const graph::DeformableConvolution deformable = {.out_channels = out_channels,
                                                   .kernel = options.kernel,
                                                   .stride = options.stride,
                                                   .padding = padding};
  const NodeId offset = graph.add(name + ".offset",
                                  graph::Convolution{.out_channels = deformable.offset_channels(),
                                                     .kernel = options.kernel,
                                                     .stride = options.stride,
                                                     .padding = padding,
                                                     .bias = true},
                                  {input});
  return graph.add(name, deformable, {input, offset});
}

}  // namespace

NodeId conv_bn(graph::Graph& graph, const std::string& name, int first, NodeId input,
               std::int64_t out_channels, const ConvBnOptions& options) {
  const NodeId conv =
      convolution(graph, fmt::format("{}.{}", name, first), input, out_channels, options);
  return graph.add(fmt::format("{}.{}", name, first + 1), graph::BatchNorm{}, {conv});
}

NodeId conv_bn_relu(graph::Graph& graph, const std::string& name, int first, NodeId input,
                    std::int64_t out_channels, float slope, const ConvBnOptions& options) {
  const NodeId norm = conv_bn(graph, name, first, input, out_channels, options);
  return graph.add(fmt::format("{}.{}", name, first + 2), graph::LeakyRelu{slope}, {norm});
}

NodeId separable(graph::Graph& graph, const std::string& name, NodeId input,
                 std::int64_t in_channels, std::int64_t out_channels, std::int64_t stride) {
  const NodeId depthwise = conv_bn_relu(graph, name, 0, input, in_channels, kLeakySlope,
                                        {.stride = stride, .groups = in_channels});
  return conv_bn_relu(graph, name, 3, depthwise, out_channels, kLeakySlope, {.kernel = 1});
}

}  // namespace retinaface::models
