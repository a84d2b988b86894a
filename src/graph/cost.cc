#include "graph/cost.h"

#include <vector>

namespace retinaface::graph {

std::int64_t learned_values(std::span<const ParameterSpec> parameters) {
  std::int64_t total = 0;
  for (const ParameterSpec& parameter : parameters) {
    if (parameter.name.find(".running_") != std::string::npos) continue;
    std::int64_t elements = 1;
    for (const std::int64_t extent : parameter.shape) elements *= extent;
    total += elements;
  }
  return total;
}

Cost cost(const Graph& graph, const Shape& input) {
  const std::vector<Shape> shapes = infer_shapes(graph, input);
  Cost total;
  for (const Node& node : graph.nodes()) {
    const std::vector<Shape> inputs = input_shapes(node, shapes);
    total.parameters += learned_values(parameters(node, inputs));
    total.multiply_adds += multiply_adds(node.op, inputs);
  }
  return total;
}

}  // namespace retinaface::graph
