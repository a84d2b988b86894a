#include "models/mnet025.h"

#include "models/mobilenet.h"
#include "models/retinaface.h"

namespace retinaface::models {

graph::Graph mnet025() {
  constexpr std::int64_t kChannels = 64;
  constexpr float kSlope = 0.1F;
  constexpr std::int64_t kAnchorsPerCell = 2;

  graph::Graph graph;
  const graph::NodeId image = graph.add("image", graph::Input{3}, {});
  Pyramid maps = mobilenet025(graph, "body", image);
  feature_pyramid(graph, maps, kChannels, kSlope);
  for (int level = 0; level < static_cast<int>(maps.size()); ++level) {
    const graph::NodeId context =
        context_module(graph, level, maps[static_cast<std::size_t>(level)], kChannels, kSlope);
    heads(graph, level, context, kAnchorsPerCell);
  }
  return graph;
}

}  // namespace retinaface::models
