#include "models/context_outputs.h"

#include <vector>

#include <fmt/format.h>

namespace retinaface::models {

void add_context_outputs(graph::Graph& graph, const DetectorSpec& detector) {
  const std::vector<std::vector<std::size_t>> levels = head_outputs(graph, detector);
  for (std::size_t level = 0; level < levels.size(); ++level) {
    const graph::NodeId head = graph.outputs()[levels[level].front()].node;
    graph.add_output(fmt::format("context.{}", level), graph.node(head).inputs.front(),
                     /*is_observed=*/true);
  }
}

}  // namespace retinaface::models
