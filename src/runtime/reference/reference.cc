#include "runtime/reference/reference.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "base/check.h"
#include "graph/operators.h"
#include "runtime/reference/operators.h"

namespace retinaface::runtime {
namespace {

using reference::Map;

class ReferenceSession : public Session {
 public:
  ReferenceSession(const graph::Graph& graph, const graph::Weights& weights)
      : graph_(graph), weights_(weights) {}

  std::span<float> input(std::int64_t height, std::int64_t width) override {
    const auto channels = std::get<graph::Input>(graph_.nodes().front().op).channels;
    input_shape_ = {1, channels, height, width};
    input_.resize(static_cast<std::size_t>(input_shape_.elements()));
    return input_;
  }

  void run() override {
    RF_CHECK(!input_.empty());
    const std::vector<graph::Shape> shapes = graph::infer_shapes(graph_, input_shape_);
    std::vector<Map> maps;
    maps.reserve(shapes.size());
    maps.emplace_back(input_shape_);
    std::ranges::copy(input_, maps[0].values.begin());
    for (std::size_t i = 1; i < shapes.size(); ++i) {
      const graph::Node& node = graph_.nodes()[i];
      std::vector<const Map*> inputs;
      for (const graph::NodeId id : node.inputs)
        inputs.push_back(&maps[static_cast<std::size_t>(id)]);
      maps.push_back(reference::evaluate(node, weights_, inputs, shapes[i]));
    }
    outputs_.clear();
    for (const graph::Output& output : graph_.outputs()) {
      const Map& map = maps[static_cast<std::size_t>(output.node)];
      outputs_.emplace_back(map.shape, std::vector<float>(map.values.begin(), map.values.end()));
    }
  }

  FeatureMap output(std::size_t index) const override {
    const auto& [shape, values] = outputs_[index];
    return {.data = values.data(), .channels = shape.c, .height = shape.h, .width = shape.w};
  }

 private:
  const graph::Graph& graph_;
  const graph::Weights& weights_;
  graph::Shape input_shape_;
  std::vector<float> input_;
  std::vector<std::pair<graph::Shape, std::vector<float>>> outputs_;
};

class ReferenceNetwork : public Network {
 public:
  ReferenceNetwork(graph::Graph graph, graph::Weights weights)
      : graph_(std::move(graph)), weights_(std::move(weights)) {}

  std::unique_ptr<Session> new_session() const override {
    return std::make_unique<ReferenceSession>(graph_, weights_);
  }

 private:
  graph::Graph graph_;
  graph::Weights weights_;
};

}  // namespace

std::shared_ptr<const Network> make_reference_network(graph::Graph graph, graph::Weights weights) {
  return std::make_shared<ReferenceNetwork>(std::move(graph), std::move(weights));
}

}  // namespace retinaface::runtime
