#include "graph/graph.h"

#include <algorithm>

#include <fmt/format.h>

#include "base/check.h"

namespace retinaface::graph {

std::string to_string(const Shape& shape) {
  return fmt::format("{}x{}x{}x{}", shape.n, shape.c, shape.h, shape.w);
}

NodeId Graph::add(std::string name, Operator op, std::vector<NodeId> inputs) {
  const auto id = static_cast<NodeId>(nodes_.size());
  RF_CHECK(std::ranges::all_of(inputs, [&](NodeId input) { return input >= 0 && input < id; }));
  RF_CHECK(std::ranges::none_of(nodes_, [&](const Node& node) { return node.name == name; }));
  nodes_.push_back({std::move(name), op, std::move(inputs)});
  return id;
}

void Graph::add_output(std::string name, NodeId node) {
  RF_CHECK(node >= 0 && node < static_cast<NodeId>(nodes_.size()));
  RF_CHECK(find_output(name) < 0);
  outputs_.push_back({std::move(name), node});
}

int Graph::find_output(std::string_view name) const {
  const auto found =
      std::ranges::find_if(outputs_, [&](const Output& output) { return output.name == name; });
  return found == outputs_.end() ? -1 : static_cast<int>(found - outputs_.begin());
}

}  // namespace retinaface::graph
