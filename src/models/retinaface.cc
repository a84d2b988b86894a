#include "models/retinaface.h"

#include <utility>

#include <fmt/format.h>

namespace retinaface::models {
namespace {

using graph::NodeId;

/// Lateral 1x1 convolutions, top-down addition, a 3x3 convolution on each sum. Replaces each map by
/// its level of the pyramid.
void merge_levels(graph::Graph& graph, Pyramid& maps, const DetectorOptions& options) {
  for (std::size_t i = 0; i < maps.size(); ++i) {
    maps[i] = conv_bn_relu(graph, fmt::format("fpn.output{}", i + 1), 0, maps[i], options.channels,
                           options.slope, {.kernel = 1});
  }
  for (std::size_t i = maps.size() - 1; i-- > 0;) {
    const NodeId above =
        graph.add(fmt::format("fpn.up{}", i + 1), graph::UpsampleLike{}, {maps[i + 1], maps[i]});
    const NodeId sum = graph.add(fmt::format("fpn.sum{}", i + 1), graph::Add{}, {maps[i], above});
    maps[i] = conv_bn_relu(graph, fmt::format("fpn.merge{}", i + 1), 0, sum, options.channels,
                           options.slope, {.deformable = options.deformable});
  }
}

/// Context module (SSH, Najibi et al. 2017): a 3x3 branch of half the channels beside two of a
/// quarter that see 5x5 and 7x7, concatenated, ReLU. `level` counts from 0.
NodeId context_module(graph::Graph& graph, std::size_t level, NodeId input,
                      const DetectorOptions& options) {
  const std::string name = fmt::format("ssh{}", level + 1);
  const std::int64_t channels =
      options.context_channels > 0 ? options.context_channels : options.channels;
  const std::int64_t half = channels / 2;
  const std::int64_t quarter = channels / 4;
  const float slope = options.slope;
  const ConvBnOptions conv = {.deformable = options.deformable};
  const NodeId three = conv_bn(graph, name + ".conv3X3", 0, input, half, conv);
  const NodeId shared = conv_bn_relu(graph, name + ".conv5X5_1", 0, input, quarter, slope, conv);
  const NodeId five = conv_bn(graph, name + ".conv5X5_2", 0, shared, quarter, conv);
  const NodeId inner = conv_bn_relu(graph, name + ".conv7X7_2", 0, shared, quarter, slope, conv);
  const NodeId seven = conv_bn(graph, name + ".conv7x7_3", 0, inner, quarter, conv);
  const NodeId all = graph.add(name + ".concat", graph::Concat{}, {three, five, seven});
  return graph.add(name + ".relu", graph::LeakyRelu{0}, {all});
}

/// The 1x1 heads of one level and the graph's outputs for it.
void add_heads(graph::Graph& graph, std::size_t level, NodeId input,
               const DetectorOptions& options) {
  for (const Head& head : options.heads) {
    const auto name = [&](std::size_t l) { return fmt::format("{}.{}.conv1x1", head.module, l); };
    const graph::Convolution conv = {.out_channels = options.anchors_per_cell * head.values,
                                     .bias = true};
    const NodeId map = options.shared_heads && level > 0
                           ? graph.add_sharing(name(level), conv, {input}, name(0))
                           : graph.add(name(level), conv, {input});
    graph.add_output(output_name(head, level), map);
  }
}

}  // namespace

void add_detector(graph::Graph& graph, Pyramid maps, const DetectorOptions& options) {
  const NodeId last = maps.back();
  merge_levels(graph, maps, options);
  if (options.extra_level) {
    maps.push_back(graph.add(
        "fpn.extra",
        graph::Convolution{
            .out_channels = options.channels, .kernel = 3, .stride = 2, .padding = 1, .bias = true},
        {last}));
  }
  for (std::size_t level = 0; level < maps.size(); ++level) {
    add_heads(graph, level, context_module(graph, level, maps[level], options), options);
  }
}

}  // namespace retinaface::models
