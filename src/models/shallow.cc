#include "models/shallow.h"

#include <fmt/format.h>

namespace retinaface::models {

Pyramid shallow_backbone(graph::Graph& graph, const std::string& prefix, graph::NodeId image,
                         const ShallowStages& stages) {
  constexpr std::int64_t kFirstChannels = 8;
  constexpr std::int64_t kStemChannels = 16;
  graph::NodeId map =
      conv_bn_relu(graph, prefix + ".stem.0", 0, image, kFirstChannels, kLeakySlope, {.stride = 2});
  map = separable(graph, prefix + ".stem.1", map, kFirstChannels, kStemChannels, 1);
  std::int64_t channels = kStemChannels;
  Pyramid maps;
  for (std::size_t s = 0; s < stages.size(); ++s) {
    const ShallowStage& stage = stages[s];
    int index = 0;
    const auto next_name = [&] { return fmt::format("{}.stage{}.{}", prefix, s + 1, index++); };
    if (stage.widened > 0) {
      map = separable(graph, next_name(), map, channels, stage.widened, 1);
      channels = stage.widened;
    }
    map = separable(graph, next_name(), map, channels, stage.channels, 2);
    channels = stage.channels;
    for (int i = 0; i < stage.dense; ++i) {
      map = conv_bn_relu(graph, next_name(), 0, map, channels, kLeakySlope);
    }
    for (int i = 0; i < stage.separable; ++i) {
      map = separable(graph, next_name(), map, channels, channels, 1);
    }
    if (s > 0) maps.push_back(map);  // from stride 8 on
  }
  return maps;
}

}  // namespace retinaface::models
