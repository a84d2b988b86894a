#include "runtime/torch/trainable_network.h"

#include <cmath>
#include <map>

#include <c10/core/CPUAllocator.h>
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/random.h"
#include "models/catalogue.h"
#include "runtime/reference/operators.h"
#include "runtime/testing.h"

namespace retinaface::runtime {
namespace {

using graph::Graph;
using graph::NodeId;
using testing::lively_weights;

/// Every operator, with maps that several nodes read.
Graph small_graph() {
  Graph graph;
  const NodeId input = graph.add("input", graph::Input{}, {});
  const auto norm = [&](const std::string& name, NodeId from, float slope) {
    return graph.add(name + ".relu", graph::LeakyRelu{slope},
                     {graph.add(name + ".norm", graph::BatchNorm{}, {from})});
  };
  const auto conv = [&](const std::string& name, NodeId from, graph::Convolution op) {
    return graph.add(name, op, {from});
  };
  const NodeId stem =
      norm("stem", conv("stem", input, {.out_channels = 4, .kernel = 3, .stride = 2, .padding = 1}),
           0.1F);
  const NodeId deep = norm(
      "deep",
      conv("deep", stem, {.out_channels = 4, .kernel = 3, .stride = 1, .padding = 1, .groups = 4}),
      0.0F);
  const NodeId low = graph.add("pool", graph::MaxPool{3, 2, 1}, {deep});
  const NodeId low_conv = conv("low", low, {.out_channels = 4, .bias = true});
  const NodeId up = graph.add("up", graph::UpsampleLike{}, {low_conv, deep});
  const NodeId sum = graph.add("sum", graph::Add{}, {up, deep});
  const NodeId twice = graph.add("twice", graph::Add{}, {sum, sum});
  const NodeId relu = graph.add("alone", graph::LeakyRelu{0.2F}, {twice});
  // Parts that write their place in the concatenation at once, and one that does not.
  const NodeId left = graph.add("left.norm", graph::BatchNorm{},
                                {conv("left", relu, {.out_channels = 3, .bias = false})});
  const NodeId right = graph.add("right.norm", graph::BatchNorm{},
                                 {conv("right", relu, {.out_channels = 2, .bias = false})});
  const NodeId joined = graph.add("joined.relu", graph::LeakyRelu{0.0F},
                                  {graph.add("joined", graph::Concat{}, {left, right})});
  const NodeId mixed = graph.add("mixed", graph::Concat{}, {joined, sum});
  graph.add_output("a",
                   conv("a", mixed, {.out_channels = 2, .kernel = 3, .padding = 1, .bias = true}));
  const graph::Convolution head = {.out_channels = 3, .bias = true};
  graph.add_output("b", conv("b", low, head));
  graph.add_output("b.shared", graph.add_sharing("b.shared", head, {deep}, "b"));
  const NodeId offsets =
      conv("offsets", relu, {.out_channels = 27, .kernel = 3, .padding = 1, .bias = true});
  graph.add_output(
      "bent", graph.add("bent", graph::DeformableConvolution{.out_channels = 2}, {relu, offsets}));
  return graph;
}

/// lively_weights, and offsets that depend on the place.
graph::Weights bent_weights(const Graph& graph) {
  graph::Weights weights = lively_weights(graph, 1);
  Random random(2);
  const auto offsets = weights.tensors.find("offsets.weight");
  if (offsets == weights.tensors.end()) return weights;
  for (float& value : offsets->second.values())
    value = static_cast<float>(random.uniform(-0.1, 0.1));
  return weights;
}

constexpr std::int64_t kImages = 2;
constexpr std::int64_t kHeight = 11;
constexpr std::int64_t kWidth = 14;

/// Images in NHWC and a weight for every value of every output, so that the sum of their
/// products is a loss.
struct Problem {
  std::vector<float> images;
  std::vector<std::vector<float>> loss_weights;

  explicit Problem(const Graph& graph) {
    Random random(3);
    const auto fill = [&](std::vector<float>& values, std::int64_t count) {
      for (std::int64_t i = 0; i < count; ++i) {
        values.push_back(static_cast<float>(random.uniform(-1, 1)));
      }
    };
    fill(images, kImages * kHeight * kWidth * 3);
    const auto shapes = graph::infer_shapes(graph, {kImages, 3, kHeight, kWidth});
    for (const graph::Output& output : graph.outputs()) {
      fill(loss_weights.emplace_back(), shapes[static_cast<std::size_t>(output.node)].elements());
    }
  }
};

/// Outputs by the plain loops of runtime/reference, in double precision: by output, values NHWC.
std::vector<std::vector<double>> reference_outputs(const Graph& graph,
                                                   const graph::Weights& weights,
                                                   const Problem& problem) {
  std::vector<std::vector<double>> outputs(graph.outputs().size());
  const auto shapes = graph::infer_shapes(graph, {1, 3, kHeight, kWidth});
  for (std::int64_t n = 0; n < kImages; ++n) {
    std::vector<reference::Map> maps;
    for (std::size_t id = 0; id < shapes.size(); ++id) {
      const graph::Node& node = graph.nodes()[id];
      if (node.inputs.empty()) {
        maps.emplace_back(shapes[id]);
        for (std::int64_t i = 0; i < kHeight * kWidth * 3; ++i) {
          maps.back().at(i % 3, i / 3 / kWidth, i / 3 % kWidth) = static_cast<double>(
              problem.images[static_cast<std::size_t>(n * kHeight * kWidth * 3 + i)]);
        }
        continue;
      }
      std::vector<const reference::Map*> inputs;
      for (const NodeId input : node.inputs) {
        inputs.push_back(&maps[static_cast<std::size_t>(input)]);
      }
      maps.push_back(reference::evaluate(node, weights, inputs, shapes[id]));
    }
    for (std::size_t i = 0; i < outputs.size(); ++i) {
      const reference::Map& map = maps[static_cast<std::size_t>(graph.outputs()[i].node)];
      for (std::int64_t cell = 0; cell < map.shape.h * map.shape.w; ++cell) {
        for (std::int64_t c = 0; c < map.shape.c; ++c) {
          outputs[i].push_back(map.at(c, cell / map.shape.w, cell % map.shape.w));
        }
      }
    }
  }
  return outputs;
}

double reference_loss(const Graph& graph, const graph::Weights& weights, const Problem& problem) {
  const auto outputs = reference_outputs(graph, weights, problem);
  double loss = 0;
  for (std::size_t i = 0; i < outputs.size(); ++i) {
    for (std::size_t j = 0; j < outputs[i].size(); ++j) {
      loss += outputs[i][j] * static_cast<double>(problem.loss_weights[i][j]);
    }
  }
  return loss;
}

void forward_backward(TrainableNetwork& network, const Problem& problem) {
  network.forward(problem.images, kImages, kHeight, kWidth);
  const std::vector<std::span<const float>> gradients(problem.loss_weights.begin(),
                                                      problem.loss_weights.end());
  network.backward(gradients);
}

TEST(TrainableNetwork, OutputsEqualTheReference) {
  const Graph graph = small_graph();
  const graph::Weights weights = bent_weights(graph);
  const Problem problem(graph);
  TrainableNetwork network(graph, weights, {.frozen_statistics = true});
  network.forward(problem.images, kImages, kHeight, kWidth);
  const auto expected = reference_outputs(graph, weights, problem);
  for (std::size_t i = 0; i < expected.size(); ++i) {
    const OutputBatch output = network.output(i);
    ASSERT_EQ(output.size(), expected[i].size());
    for (std::size_t j = 0; j < output.size(); ++j) {
      ASSERT_NEAR(static_cast<double>(output.data[j]), expected[i][j], 1e-5) << i << " " << j;
    }
  }
}

TEST(TrainableNetwork, GradientsEqualFiniteDifferences) {
  const Graph graph = small_graph();
  graph::Weights weights = bent_weights(graph);
  const Problem problem(graph);
  TrainableNetwork network(graph, weights, {.frozen_statistics = true});
  forward_backward(network, problem);
  constexpr float kStep = 0x1p-18F;
  std::size_t checked = 0;
  for (const ParameterSlot& slot : network.parameters()) {
    if (slot.statistic) continue;
    for (std::size_t i = 0; i < slot.size; ++i) {
      float& value = weights.tensors.at(slot.name).values()[i];
      const float before = value;
      value = before + kStep;
      const double above_at = static_cast<double>(value);
      const double above = reference_loss(graph, weights, problem);
      value = before - kStep;
      const double below_at = static_cast<double>(value);
      const double below = reference_loss(graph, weights, problem);
      value = before;
      const double numeric = (above - below) / (above_at - below_at);
      const auto gradient = static_cast<double>(network.gradients()[slot.offset + i]);
      EXPECT_NEAR(gradient, numeric, 2e-3 * std::max(1.0, std::abs(numeric)))
          << slot.name << " " << i;
      ++checked;
    }
  }
  EXPECT_GT(checked, 200U);
}

TEST(TrainableNetwork, FrozenPartsGetNoGradientAndOthersTheSame) {
  const Graph graph = small_graph();
  const graph::Weights weights = bent_weights(graph);
  const Problem problem(graph);
  TrainableNetwork whole(graph, weights, {.frozen_statistics = true});
  forward_backward(whole, problem);
  TrainableNetwork part(graph, weights, {.frozen = {"stem", "right"}, .frozen_statistics = true});
  forward_backward(part, problem);
  for (const ParameterSlot& slot : part.parameters()) {
    const bool frozen = slot.name.starts_with("stem") || slot.name.starts_with("right");
    EXPECT_EQ(slot.trainable, !frozen && !slot.statistic) << slot.name;
    for (std::size_t i = slot.offset; i < slot.offset + slot.size; ++i) {
      EXPECT_EQ(part.gradients()[i], frozen ? 0 : whole.gradients()[i]) << slot.name;
    }
  }
}

TEST(TrainableNetwork, FrozenNormsKeepTheirStatistics) {
  const Graph graph = small_graph();
  const graph::Weights weights = bent_weights(graph);
  TrainableNetwork network(graph, weights, {.frozen = {"stem"}});
  forward_backward(network, Problem(graph));
  const graph::Weights after = network.weights();
  for (const char* name : {"stem.norm.running_mean", "stem.norm.running_var"}) {
    EXPECT_TRUE(std::ranges::equal(after.at(name).values(), weights.at(name).values()));
  }
  EXPECT_FALSE(std::ranges::equal(after.at("deep.norm.running_mean").values(),
                                  weights.at("deep.norm.running_mean").values()));
}

/// |a - b| / |b| by their Euclidean norms.
double distance(std::span<const float> a, std::span<const float> b) {
  double square = 0;
  double difference = 0;
  for (std::size_t i = 0; i < b.size(); ++i) {
    square += std::pow(b[i], 2);
    difference += std::pow(a[i] - b[i], 2);
  }
  return std::sqrt(difference / square);
}

TEST(TrainableNetwork, Bfloat16IsNearFloat32) {
  const Graph graph = small_graph();
  const graph::Weights weights = bent_weights(graph);
  const Problem problem(graph);
  TrainableNetwork exact(graph, weights, {});
  TrainableNetwork rounded(graph, weights, {.precision = Precision::kBfloat16});
  forward_backward(exact, problem);
  forward_backward(rounded, problem);
  // Each rounding is of 1 / 256 at most; backwards there are twice as many, and activations near 0
  // turn over.
  constexpr double kForwards = 0.03;
  constexpr double kBackwards = 0.1;
  for (std::size_t i = 0; i < graph.outputs().size(); ++i) {
    const OutputBatch want = exact.output(i);
    const OutputBatch got = rounded.output(i);
    EXPECT_LT(distance({got.data, got.size()}, {want.data, want.size()}), kForwards);
  }
  EXPECT_LT(distance(rounded.gradients(), exact.gradients()), kBackwards);
  EXPECT_LT(distance(rounded.values(), exact.values()), 1e-2);  // the running statistics
}

TEST(TrainableNetwork, GradientsOfSeveralPartsAddUp) {
  const Graph graph = small_graph();
  const graph::Weights weights = bent_weights(graph);
  const Problem problem(graph);
  TrainableNetwork whole(graph, weights, {.frozen_statistics = true});
  forward_backward(whole, problem);
  TrainableNetwork parts(graph, weights, {.frozen_statistics = true});
  constexpr std::size_t kImageSize = kHeight * kWidth * 3;
  for (std::size_t n = 0; n < kImages; ++n) {
    parts.forward(std::span(problem.images).subspan(n * kImageSize, kImageSize), 1, kHeight,
                  kWidth);
    std::vector<std::span<const float>> gradients;
    for (const std::vector<float>& values : problem.loss_weights) {
      const std::size_t share = values.size() / kImages;
      gradients.push_back(std::span(values).subspan(n * share, share));
    }
    parts.backward(gradients);
  }
  EXPECT_LT(distance(parts.gradients(), whole.gradients()), 1e-6);
  parts.clear_gradients();
  EXPECT_THAT(parts.gradients(), ::testing::Each(0.0F));
}

/// Images and loss weights of any graph's size.
Problem problem_of(const Graph& graph, std::int64_t side) {
  Problem problem(graph);
  Random random(4);
  problem.images.resize(static_cast<std::size_t>(kImages * side * side * 3));
  for (float& value : problem.images) value = static_cast<float>(random.uniform(-1, 1));
  const auto shapes = graph::infer_shapes(graph, {kImages, 3, side, side});
  for (std::size_t i = 0; i < graph.outputs().size(); ++i) {
    auto& weights = problem.loss_weights[i];
    const auto node = static_cast<std::size_t>(graph.outputs()[i].node);
    weights.resize(static_cast<std::size_t>(shapes[node].elements()));
    for (float& value : weights) value = static_cast<float>(random.uniform(-1, 1));
  }
  return problem;
}

void forward_backward(TrainableNetwork& network, const Problem& problem, std::int64_t side) {
  network.forward(problem.images, kImages, side, side);
  const std::vector<std::span<const float>> gradients(problem.loss_weights.begin(),
                                                      problem.loss_weights.end());
  network.backward(gradients);
}

TEST(TrainableNetwork, RecomputedMapsGiveTheVerySameGradients) {
  for (const bool large : {false, true}) {
    const Graph graph = large ? models::find_model("mnet025").network.build() : small_graph();
    const graph::Weights weights = bent_weights(graph);
    const std::int64_t side = large ? 64 : 15;
    const Problem problem = problem_of(graph, side);
    for (const Precision precision : {Precision::kFloat32, Precision::kBfloat16}) {
      TrainableNetwork kept(graph, weights, {.precision = precision});
      TrainableNetwork recomputed(graph, weights, {.precision = precision, .recompute = true});
      for (int step = 0; step < 2; ++step) {
        forward_backward(kept, problem, side);
        forward_backward(recomputed, problem, side);
        for (std::size_t i = 0; i < graph.outputs().size(); ++i) {
          const OutputBatch want = kept.output(i);
          EXPECT_TRUE(std::equal(want.data, want.data + want.size(), recomputed.output(i).data));
        }
        EXPECT_TRUE(std::ranges::equal(recomputed.gradients(), kept.gradients()));
        EXPECT_TRUE(std::ranges::equal(recomputed.values(), kept.values()));  // statistics
      }
    }
  }
}

/// Counts what libtorch allocates from its first use to the end of the process: oneDNN keeps some
/// of it from one network to the next.
class CountingAllocator : public c10::Allocator {
 public:
  static CountingAllocator& get() {
    static auto* const allocator = new CountingAllocator;  // never freed, as what it gave may be
    return *allocator;
  }

  c10::DataPtr allocate(std::size_t size) const override {
    void* const data = before_->raw_allocate(size);
    sizes_[data] = size;
    now_ += size;
    peak_ = std::max(peak_, now_);
    return {data, data, &CountingAllocator::free, at::Device(at::kCPU)};
  }
  c10::DeleterFnPtr raw_deleter() const override { return &CountingAllocator::free; }

  std::size_t now() const { return now_; }
  /// The most at once since the last call.
  std::size_t take_peak() { return std::exchange(peak_, now_); }

 private:
  CountingAllocator() : before_(c10::GetCPUAllocator()) { c10::SetCPUAllocator(this, 1); }

  static void free(void* data) {
    CountingAllocator& self = get();
    const auto entry = self.sizes_.find(data);
    if (entry != self.sizes_.end()) {  // not what was there before
      self.now_ -= entry->second;
      self.sizes_.erase(entry);
    }
    self.before_->raw_deallocate(data);
  }

  c10::Allocator* before_;
  mutable std::map<void*, std::size_t> sizes_;
  mutable std::size_t now_ = 0;
  mutable std::size_t peak_ = 0;
};

/// Bytes that a step needs at most, besides what was there.
std::size_t peak_memory(const Graph& graph, bool recompute) {
  const graph::Weights weights = bent_weights(graph);
  constexpr std::int64_t kSide = 256;
  const Problem problem = problem_of(graph, kSide);
  CountingAllocator& counter = CountingAllocator::get();
  counter.take_peak();
  const std::size_t before = counter.now();
  TrainableNetwork network(graph, weights, {.recompute = recompute});
  forward_backward(network, problem, kSide);
  return counter.take_peak() - before;
}

TEST(TrainableNetwork, RecomputationSavesMemory) {
  // Forty equal layers: of their 80 maps some 2 sqrt(40) and the gradients have to be kept.
  Graph chain;
  NodeId map = chain.add("input", graph::Input{}, {});
  for (int i = 0; i < 40; ++i) {
    const NodeId conv =
        chain.add(fmt::format("conv{}", i), graph::Convolution{.out_channels = 4}, {map});
    map = chain.add(fmt::format("norm{}", i), graph::BatchNorm{}, {conv});
  }
  chain.add_output("out", map);
  EXPECT_LT(peak_memory(chain, true), peak_memory(chain, false) / 3);
  const Graph detector = models::find_model("mnet025").network.build();
  EXPECT_LT(peak_memory(detector, true), peak_memory(detector, false) * 2 / 3);
}

}  // namespace
}  // namespace retinaface::runtime
