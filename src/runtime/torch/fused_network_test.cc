#include "runtime/torch/fused_network.h"

#include <cmath>
#include <map>

#include <c10/core/CPUAllocator.h>
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "models/catalogue.h"
#include "runtime/reference/operators.h"
#include "runtime/trainable_testing.h"
#include "support/testing.h"

namespace retinaface::runtime {
namespace {

using graph::Graph;
using graph::NodeId;
using retinaface::testing::error_of;
using ::testing::AllOf;
using testing::bent_weights;
using testing::distance;
using testing::forward;
using testing::forward_backward;
using ::testing::HasSubstr;
using testing::make_problem;
using testing::Problem;
using testing::small_graph;
using testing::values_of;

std::unique_ptr<TrainableNetwork> fused(const Graph& graph, const graph::Weights& weights,
                                        const TrainableOptions& options = {}) {
  return fused_backend().train(graph, weights, options);
}

/// Outputs by the plain loops of runtime/reference, in double precision: by output, values NHWC.
std::vector<std::vector<double>> reference_outputs(const Graph& graph,
                                                   const graph::Weights& weights,
                                                   const Problem& problem) {
  std::vector<std::vector<double>> outputs(graph.outputs().size());
  const auto shapes = graph::infer_shapes(graph, {1, 3, problem.h, problem.w});
  for (std::int64_t n = 0; n < problem.n; ++n) {
    std::vector<reference::Map> maps;
    for (std::size_t id = 0; id < shapes.size(); ++id) {
      const graph::Node& node = graph.nodes()[id];
      if (node.inputs.empty()) {
        maps.emplace_back(shapes[id]);
        const std::int64_t size = problem.h * problem.w * 3;
        for (std::int64_t i = 0; i < size; ++i) {
          maps.back().at(i % 3, i / 3 / problem.w, i / 3 % problem.w) =
              static_cast<double>(problem.images[static_cast<std::size_t>(n * size + i)]);
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

TEST(FusedNetwork, OutputsEqualTheReference) {
  const Graph graph = small_graph();
  const graph::Weights weights = bent_weights(graph);
  const Problem problem = make_problem(graph);
  const auto network = fused(graph, weights, {.frozen_statistics = true});
  forward(*network, problem);
  const auto expected = reference_outputs(graph, weights, problem);
  for (std::size_t i = 0; i < expected.size(); ++i) {
    const OutputBatch output = network->output(i);
    ASSERT_EQ(output.size(), expected[i].size());
    for (std::size_t j = 0; j < output.size(); ++j) {
      ASSERT_NEAR(static_cast<double>(output.data[j]), expected[i][j], 1e-5) << i << " " << j;
    }
  }
}

TEST(FusedNetwork, GradientsEqualFiniteDifferences) {
  const Graph graph = small_graph();
  graph::Weights weights = bent_weights(graph);
  const Problem problem = make_problem(graph);
  const auto network = fused(graph, weights, {.frozen_statistics = true});
  forward_backward(*network, problem);
  constexpr float kStep = 0x1p-18F;
  std::size_t checked = 0;
  for (const ParameterSlot& slot : network->parameters()) {
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
      const auto gradient = static_cast<double>(network->gradients()[slot.offset + i]);
      EXPECT_NEAR(gradient, numeric, 2e-3 * std::max(1.0, std::abs(numeric)))
          << slot.name << " " << i;
      ++checked;
    }
  }
  EXPECT_GT(checked, 200U);
}

TEST(FusedNetwork, SaysWhatItCannotTrain) {
  const auto message = [](const Graph& graph) {
    const graph::Weights weights = graph::random_weights(graph, 1);
    const Error error = error_of([&] { fused(graph, weights); });
    EXPECT_EQ(error.code(), ErrorCode::kUnsupported);
    return std::string(error.what());
  };
  Graph falling;
  const NodeId input = falling.add("input", graph::Input{}, {});
  falling.add_output("out", falling.add("bent.down", graph::LeakyRelu{-0.1F}, {input}));
  EXPECT_THAT(message(falling), AllOf(HasSubstr("LeakyRelu 'bent.down'"), HasSubstr("-0.1")));

  Graph two;
  const NodeId first = two.add("first", graph::Input{}, {});
  const NodeId second = two.add("second", graph::Input{}, {});
  two.add_output("out", two.add("sum", graph::Add{}, {first, second}));
  EXPECT_THAT(message(two), HasSubstr("Input 'second'"));
}

TEST(FusedNetwork, FrozenPartsGetNoGradientAndOthersTheSame) {
  const Graph graph = small_graph();
  const graph::Weights weights = bent_weights(graph);
  const Problem problem = make_problem(graph);
  const auto whole = fused(graph, weights, {.frozen_statistics = true});
  forward_backward(*whole, problem);
  const auto part = fused(graph, weights, {.frozen = {"stem", "right"}, .frozen_statistics = true});
  forward_backward(*part, problem);
  for (const ParameterSlot& slot : part->parameters()) {
    const bool frozen = slot.name.starts_with("stem") || slot.name.starts_with("right");
    EXPECT_EQ(slot.trainable, !frozen && !slot.statistic) << slot.name;
    for (std::size_t i = slot.offset; i < slot.offset + slot.size; ++i) {
      EXPECT_EQ(part->gradients()[i], frozen ? 0 : whole->gradients()[i]) << slot.name;
    }
  }
}

TEST(FusedNetwork, FrozenNormsKeepTheirStatistics) {
  const Graph graph = small_graph();
  const graph::Weights weights = bent_weights(graph);
  const auto network = fused(graph, weights, {.frozen = {"stem"}});
  forward_backward(*network, make_problem(graph));
  const graph::Weights after = network->weights();
  for (const char* name : {"stem.norm.running_mean", "stem.norm.running_var"}) {
    EXPECT_TRUE(std::ranges::equal(after.at(name).values(), weights.at(name).values()));
  }
  EXPECT_FALSE(std::ranges::equal(after.at("deep.norm.running_mean").values(),
                                  weights.at("deep.norm.running_mean").values()));
}

TEST(FusedNetwork, Bfloat16IsNearFloat32) {
  const Graph graph = small_graph();
  const graph::Weights weights = bent_weights(graph);
  const Problem problem = make_problem(graph);
  const auto exact = fused(graph, weights, {});
  const auto rounded = fused(graph, weights, {.type = graph::DataType::kBFloat16});
  forward_backward(*exact, problem);
  forward_backward(*rounded, problem);
  // Each rounding is of 1 / 256 at most; backwards there are twice as many, and activations near 0
  // turn over.
  constexpr double kForwards = 0.03;
  constexpr double kBackwards = 0.1;
  for (std::size_t i = 0; i < graph.outputs().size(); ++i) {
    const OutputBatch want = exact->output(i);
    const OutputBatch got = rounded->output(i);
    EXPECT_LT(distance({got.data, got.size()}, {want.data, want.size()}), kForwards);
  }
  EXPECT_LT(distance(rounded->gradients(), exact->gradients()), kBackwards);
  EXPECT_LT(distance(rounded->values(), exact->values()), 1e-2);  // the running statistics
}

TEST(FusedNetwork, GradientsOfSeveralPartsAddUp) {
  const Graph graph = small_graph();
  const graph::Weights weights = bent_weights(graph);
  const Problem problem = make_problem(graph);
  const auto whole = fused(graph, weights, {.frozen_statistics = true});
  forward_backward(*whole, problem);
  const auto parts = fused(graph, weights, {.frozen_statistics = true});
  for (std::size_t n = 0; n < static_cast<std::size_t>(problem.n); ++n) {
    const auto part_of = [&](const std::vector<float>& values) {
      const std::size_t share = values.size() / static_cast<std::size_t>(problem.n);
      const auto begin = values.begin() + static_cast<std::ptrdiff_t>(n * share);
      return std::vector<float>(begin, begin + static_cast<std::ptrdiff_t>(share));
    };
    Problem part = {.n = 1, .h = problem.h, .w = problem.w, .images = part_of(problem.images)};
    for (const auto& values : problem.loss_weights) part.loss_weights.push_back(part_of(values));
    forward_backward(*parts, part);
  }
  EXPECT_LT(distance(parts->gradients(), whole->gradients()), 1e-6);
  parts->clear_gradients();
  EXPECT_THAT(parts->gradients(), ::testing::Each(0.0F));
}

TEST(FusedNetwork, RecomputedMapsGiveTheVerySameGradients) {
  for (const bool large : {false, true}) {
    const Graph graph = large ? models::find_model("mnet025").network.build() : small_graph();
    const graph::Weights weights = bent_weights(graph);
    const std::int64_t side = large ? 64 : 15;
    const Problem problem = make_problem(graph, side, side);
    for (const auto type : {graph::DataType::kFloat32, graph::DataType::kBFloat16}) {
      const auto kept = fused(graph, weights, {.type = type});
      const auto recomputed = fused(graph, weights, {.type = type, .recompute = true});
      for (int step = 0; step < 2; ++step) {
        forward_backward(*kept, problem);
        forward_backward(*recomputed, problem);
        for (std::size_t i = 0; i < graph.outputs().size(); ++i) {
          const OutputBatch want = kept->output(i);
          EXPECT_TRUE(std::equal(want.data, want.data + want.size(), recomputed->output(i).data));
        }
        EXPECT_TRUE(std::ranges::equal(recomputed->gradients(), kept->gradients()));
        EXPECT_TRUE(std::ranges::equal(recomputed->values(), kept->values()));  // statistics
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
  const Problem problem = make_problem(graph, kSide, kSide);
  CountingAllocator& counter = CountingAllocator::get();
  counter.take_peak();
  const std::size_t before = counter.now();
  const auto network = fused(graph, weights, {.recompute = recompute});
  forward_backward(*network, problem);
  return counter.take_peak() - before;
}

TEST(FusedNetwork, RecomputationSavesMemory) {
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
