#include "graph/graph.h"

#include <algorithm>

#include <fmt/format.h>

#include "base/check.h"

namespace retinaface::graph {

std::string to_string(const Shape& shape) {
  return fmt::format("{}x{}x{}x{}", shape.n, shape.c, shape.h, shape.w);
}

std::string Node::parameter(std::string_view suffix) const {
  return fmt::format("{}.{}", shared_with.empty() ? name : shared_with, suffix);
}

NodeId Graph::add(std::string name, Operator op, std::vector<NodeId> inputs) {
  const auto id = static_cast<NodeId>(nodes_.size());
  RF_CHECK(std::ranges::all_of(inputs, [&](NodeId input) { return input >= 0 && input < id; }));
  RF_CHECK(std::ranges::none_of(nodes_, [&](const Node& node) { return node.name == name; }));
  nodes_.push_back({std::move(name), op, std::move(inputs)});
  return id;
}

NodeId Graph::add_sharing(std::string name, Operator op, std::vector<NodeId> inputs,
                          std::string shared_with) {
  const auto owner = std::ranges::find(nodes_, shared_with, &Node::name);
  RF_CHECK(owner != nodes_.end() && owner->shared_with.empty() &&
           std::holds_alternative<Convolution>(owner->op) && owner->op == op);
  const NodeId id = add(std::move(name), op, std::move(inputs));
  nodes_.back().shared_with = std::move(shared_with);
  return id;
}

void Graph::add_output(std::string name, NodeId node, bool is_observed) {
  RF_CHECK(node >= 0 && node < static_cast<NodeId>(nodes_.size()));
  RF_CHECK(find_output(name) < 0);
  outputs_.push_back({std::move(name), node, is_observed});
}

int Graph::find_output(std::string_view name) const {
  const auto found =
      std::ranges::find_if(outputs_, [&](const Output& output) { return output.name == name; });
  return found == outputs_.end() ? -1 : static_cast<int>(found - outputs_.begin());
}

}  // namespace retinaface::graph
