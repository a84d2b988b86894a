#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/random.h"
#include "graph/graph.h"
#include "graph/operators.h"
#include "graph/weights.h"
#include "runtime/testing.h"
#include "runtime/trainable_network.h"

// What the tests of all training engines share.
namespace retinaface::runtime::testing {

/// Every operator, with maps that several nodes read.
inline graph::Graph small_graph() {
  graph::Graph graph;
  const graph::NodeId input = graph.add("input", graph::Input{}, {});
  const auto norm = [&](const std::string& name, graph::NodeId from, float slope) {
    return graph.add(name + ".relu", graph::LeakyRelu{slope},
                     {graph.add(name + ".norm", graph::BatchNorm{}, {from})});
  };
  const auto conv = [&](const std::string& name, graph::NodeId from, graph::Convolution op) {
    return graph.add(name, op, {from});
  };
  const graph::NodeId stem =
      norm("stem", conv("stem", input, {.out_channels = 4, .kernel = 3, .stride = 2, .padding = 1}),
           0.1F);
  const graph::NodeId deep = norm(
      "deep",
      conv("deep", stem, {.out_channels = 4, .kernel = 3, .stride = 1, .padding = 1, .groups = 4}),
      0.0F);
  const graph::NodeId low = graph.add("pool", graph::MaxPool{3, 2, 1}, {deep});
  const graph::NodeId low_conv = conv("low", low, {.out_channels = 4, .bias = true});
  const graph::NodeId up = graph.add("up", graph::UpsampleLike{}, {low_conv, deep});
  const graph::NodeId sum = graph.add("sum", graph::Add{}, {up, deep});
  const graph::NodeId twice = graph.add("twice", graph::Add{}, {sum, sum});
  const graph::NodeId relu = graph.add("alone", graph::LeakyRelu{0.2F}, {twice});
  // Parts that write their place in the concatenation at once, and one that does not.
  const graph::NodeId left = graph.add("left.norm", graph::BatchNorm{},
                                       {conv("left", relu, {.out_channels = 3, .bias = false})});
  const graph::NodeId right = graph.add("right.norm", graph::BatchNorm{},
                                        {conv("right", relu, {.out_channels = 2, .bias = false})});
  const graph::NodeId joined = graph.add("joined.relu", graph::LeakyRelu{0.0F},
                                         {graph.add("joined", graph::Concat{}, {left, right})});
  const graph::NodeId mixed = graph.add("mixed", graph::Concat{}, {joined, sum});
  graph.add_output("a",
                   conv("a", mixed, {.out_channels = 2, .kernel = 3, .padding = 1, .bias = true}));
  const graph::Convolution head = {.out_channels = 3, .bias = true};
  graph.add_output("b", conv("b", low, head));
  graph.add_output("b.shared", graph.add_sharing("b.shared", head, {deep}, "b"));
  const graph::NodeId offsets =
      conv("offsets", relu, {.out_channels = 27, .kernel = 3, .padding = 1, .bias = true});
  graph.add_output(
      "bent", graph.add("bent", graph::DeformableConvolution{.out_channels = 2}, {relu, offsets}));
  return graph;
}

/// lively_weights, and offsets that depend on the place.
inline graph::Weights bent_weights(const graph::Graph& graph) {
  graph::Weights weights = lively_weights(graph, 1);
  Random random(2);
  const auto offsets = weights.tensors.find("offsets.weight");
  if (offsets == weights.tensors.end()) return weights;
  for (float& value : offsets->second.values())
    value = static_cast<float>(random.uniform(-0.1, 0.1));
  return weights;
}

/// Images in NHWC and a weight for every value of every output, so that the sum of their
/// products is a loss.
struct Problem {
  std::int64_t n = 2;
  std::int64_t h = 11;
  std::int64_t w = 14;
  std::vector<float> images = {};
  std::vector<std::vector<float>> loss_weights = {};
};

inline Problem make_problem(const graph::Graph& graph, std::int64_t h = 11, std::int64_t w = 14) {
  Problem problem{.h = h, .w = w};
  Random random(3);
  const auto fill = [&](std::vector<float>& values, std::int64_t count) {
    for (std::int64_t i = 0; i < count; ++i) {
      values.push_back(static_cast<float>(random.uniform(-1, 1)));
    }
  };
  fill(problem.images, problem.n * h * w * 3);
  const auto shapes = graph::infer_shapes(graph, {problem.n, 3, h, w});
  for (const graph::Output& output : graph.outputs()) {
    fill(problem.loss_weights.emplace_back(),
         shapes[static_cast<std::size_t>(output.node)].elements());
  }
  return problem;
}

inline void forward(TrainableNetwork& network, const Problem& problem) {
  std::ranges::copy(problem.images, network.input(problem.n, problem.h, problem.w).begin());
  network.forward();
}

inline void forward_backward(TrainableNetwork& network, const Problem& problem) {
  forward(network, problem);
  for (std::size_t i = 0; i < problem.loss_weights.size(); ++i) {
    std::ranges::copy(problem.loss_weights[i], network.output_gradient(i).begin());
  }
  network.backward();
}

inline std::span<const float> values_of(const OutputBatch& output) {
  return {output.data, output.size()};
}

/// |a - b| / |b| by their Euclidean norms.
inline double distance(std::span<const float> a, std::span<const float> b) {
  double square = 0;
  double difference = 0;
  for (std::size_t i = 0; i < b.size(); ++i) {
    square += std::pow(b[i], 2);
    difference += std::pow(a[i] - b[i], 2);
  }
  return std::sqrt(difference / square);
}

}  // namespace retinaface::runtime::testing
