#include "models/retinaface.h"

#include <fmt/format.h>

#include "models/layers.h"

namespace retinaface::models {

using graph::NodeId;

void feature_pyramid(graph::Graph& graph, std::span<NodeId> maps, std::int64_t channels,
                     float slope) {
  for (std::size_t i = 0; i < maps.size(); ++i) {
    maps[i] = conv_bn_relu(graph, fmt::format("fpn.output{}", i + 1), 0, maps[i], channels, slope,
                           {.kernel = 1});
  }
  for (std::size_t i = maps.size() - 1; i-- > 0;) {
    const NodeId above =
        graph.add(fmt::format("fpn.up{}", i + 1), graph::UpsampleLike{}, {maps[i + 1], maps[i]});
    const NodeId sum = graph.add(fmt::format("fpn.sum{}", i + 1), graph::Add{}, {maps[i], above});
    maps[i] = conv_bn_relu(graph, fmt::format("fpn.merge{}", i + 1), 0, sum, channels, slope);
  }
}

NodeId context_module(graph::Graph& graph, int level, NodeId input, std::int64_t channels,
                      float slope) {
  const std::string name = fmt::format("ssh{}", level + 1);
  const std::int64_t quarter = channels / 4;
  const NodeId three = conv_bn(graph, name + ".conv3X3", 0, input, channels / 2);
  const NodeId shared = conv_bn_relu(graph, name + ".conv5X5_1", 0, input, quarter, slope);
  const NodeId five = conv_bn(graph, name + ".conv5X5_2", 0, shared, quarter);
  const NodeId inner = conv_bn_relu(graph, name + ".conv7X7_2", 0, shared, quarter, slope);
  const NodeId seven = conv_bn(graph, name + ".conv7x7_3", 0, inner, quarter);
  const NodeId all = graph.add(name + ".concat", graph::Concat{}, {three, five, seven});
  return graph.add(name + ".relu", graph::LeakyRelu{0}, {all});
}

void heads(graph::Graph& graph, int level, NodeId input, std::int64_t anchors_per_cell) {
  struct Head {
    const char* module;
    const char* output;
    std::int64_t values;
  };
  for (const Head& head : {Head{"ClassHead", "cls", 2}, Head{"BboxHead", "box", 4},
                           Head{"LandmarkHead", "landmarks", 10}}) {
    const NodeId map = graph.add(
        fmt::format("{}.{}.conv1x1", head.module, level),
        graph::Convolution{.out_channels = anchors_per_cell * head.values, .bias = true}, {input});
    graph.add_output(fmt::format("{}.{}", head.output, level), map);
  }
}

}  // namespace retinaface::models
