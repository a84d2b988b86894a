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

  InputMap input(std::int64_t images, std::int64_t height, std::int64_t width) override {
    RF_CHECK(images > 0 && height > 0 && width > 0);
    input_shape_ = {images, graph::input_channels(graph_), height, width};
    input_.resize(static_cast<std::size_t>(input_shape_.elements()));
    return input_map();
  }

  void run() override {
    RF_CHECK(!input_.empty());
    outputs_.assign(graph_.outputs().size(), {});
    for (std::int64_t n = 0; n < input_shape_.n; ++n) run_image(input_map().image(n));
  }

  FeatureMap output(std::size_t index) const override {
    const auto& [shape, values] = outputs_[index];
    return {.data = values.data(),
            .images = input_shape_.n,
            .image_stride = shape.elements(),
            .channels = shape.c,
            .height = shape.h,
            .width = shape.w};
  }

 private:
  struct OutputMaps {
    graph::Shape shape;  ///< of one image
    std::vector<float> values;
  };

  InputMap input_map() { return {.data = input_.data(), .shape = input_shape_}; }

  /// Appends the image's outputs.
  void run_image(std::span<const float> image) {
    graph::Shape image_shape = input_shape_;
    image_shape.n = 1;
    const std::vector<graph::Shape> shapes = graph::infer_shapes(graph_, image_shape);
    std::vector<Map> maps;
    maps.reserve(shapes.size());
    maps.emplace_back(image_shape);
    std::ranges::copy(image, maps[0].values.begin());
    for (std::size_t i = 1; i < shapes.size(); ++i) {
      const graph::Node& node = graph_.nodes()[i];
      std::vector<const Map*> inputs;
      for (const graph::NodeId id : node.inputs)
        inputs.push_back(&maps[static_cast<std::size_t>(id)]);
      maps.push_back(reference::evaluate(node, weights_, inputs, shapes[i]));
    }
    for (std::size_t i = 0; i < outputs_.size(); ++i) {
      const Map& map = maps[static_cast<std::size_t>(graph_.outputs()[i].node)];
      outputs_[i].shape = map.shape;
      outputs_[i].values.insert(outputs_[i].values.end(), map.values.begin(), map.values.end());
    }
  }

  const graph::Graph& graph_;
  const graph::Weights& weights_;
  graph::Shape input_shape_;
  std::vector<float> input_;
  std::vector<OutputMaps> outputs_;  // by the graph's output
};

class ReferenceNetwork : public Network {
 public:
  ReferenceNetwork(graph::Graph graph, const graph::Weights& weights) : graph_(std::move(graph)) {
    for (const auto& [name, tensor] : weights.tensors) {
      weights_.tensors.emplace(name, graph::as_float32(tensor));
    }
  }

  std::unique_ptr<Session> new_session() const override {
    return std::make_unique<ReferenceSession>(graph_, weights_);
  }

 private:
  graph::Graph graph_;
  graph::Weights weights_;
};

}  // namespace

Backend reference_backend() {
  return {.name = "reference",
          .summary = "plain loops in double precision, the oracle of the others; slow",
          .priority = 0,
          .devices = {kProcessor},
          .types = {graph::DataType::kFloat32},
          // The reader of operators.cc does not compile without a meaning for each.
          .supports = [](const graph::Operator&) { return true; },
          .create = [](const graph::Graph& graph, const graph::Weights& weights,
                       const NetworkOptions&) { return make_reference_network(graph, weights); }};
}

std::unique_ptr<Network> make_reference_network(const graph::Graph& graph,
                                                const graph::Weights& weights) {
  return std::make_unique<ReferenceNetwork>(graph, weights);
}

}  // namespace retinaface::runtime
