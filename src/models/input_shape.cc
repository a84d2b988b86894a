#include "models/input_shape.h"

#include "base/check.h"

namespace retinaface::models {

graph::Shape padded_shape(const NetworkSpec& network, int width, int height) {
  const auto padded = [&](std::int64_t side) {
    return (side + network.side_multiple - 1) / network.side_multiple * network.side_multiple;
  };
  return {1, 3, padded(height), padded(width)};
}

graph::Shape input_shape(const NetworkSpec& network, const graph::Graph& graph, int width,
                         int height) {
  const graph::Shape shape = padded_shape(network, width, height);
  if (const std::string problem = graph::size_problem(graph, shape); !problem.empty()) {
    fail(ErrorCode::kUnsupported, "image: {}x{} pixels: the network takes none of {}x{}: {}", width,
         height, shape.w, shape.h, problem);
  }
  return shape;
}

}  // namespace retinaface::models
