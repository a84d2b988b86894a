#include "runtime/autograd/autograd_network.h"

#include <cmath>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "models/catalogue.h"
#include "runtime/reference/reference.h"
#include "runtime/torch/fused_network.h"
#include "runtime/trainable_testing.h"
#include "support/testing.h"

// The two training engines judge each other: the fused one's derivatives are our own, autograd's
// are libtorch's. (The fused one's outputs are compared with runtime/reference, and its derivatives
// with finite differences, in torch/fused_network_test.cc.)
namespace retinaface::runtime {
namespace {

using graph::Graph;
using retinaface::testing::error_of;
using ::testing::AllOf;
using testing::bent_weights;
using testing::distance;
using testing::forward_backward;
using ::testing::HasSubstr;
using testing::lively_weights;
using testing::make_problem;
using testing::Problem;
using testing::small_graph;
using testing::values_of;

std::unique_ptr<TrainableNetwork> autograd(const Graph& graph, const graph::Weights& weights,
                                           const TrainableOptions& options = {}) {
  return autograd_backend().train(graph, weights, options);
}

std::unique_ptr<TrainableNetwork> fused(const Graph& graph, const graph::Weights& weights,
                                        const TrainableOptions& options = {}) {
  return fused_backend().train(graph, weights, options);
}

/// Of |difference| / |value|.
struct Tolerance {
  double outputs = 1e-5;
  double of_parameter = 1e-4;  ///< the gradient of each one
  double of_all = 1e-5;        ///< the gradient as a whole
};

/// Some passes of both, and all that they leave: outputs, running statistics and gradients.
void expect_same(const Graph& graph, const graph::Weights& weights, const Problem& problem,
                 const TrainableOptions& options, const Tolerance& tolerance = {}, int passes = 2) {
  const auto want = fused(graph, weights, options);
  const auto got = autograd(graph, weights, options);
  for (int pass = 0; pass < passes; ++pass) {
    forward_backward(*want, problem);
    forward_backward(*got, problem);
    for (std::size_t i = 0; i < graph.outputs().size(); ++i) {
      const OutputBatch a = got->output(i);
      const OutputBatch b = want->output(i);
      EXPECT_TRUE(a.n == b.n && a.h == b.h && a.w == b.w && a.c == b.c);
      EXPECT_LT(distance(values_of(a), values_of(b)), tolerance.outputs) << i;
    }
  }
  EXPECT_LT(distance(got->gradients(), want->gradients()), tolerance.of_all);
  std::size_t learnt = 0;
  for (const ParameterSlot& slot : want->parameters()) {
    const auto part = [&](std::span<const float> all) {
      return all.subspan(slot.offset, slot.size);
    };
    EXPECT_LT(distance(part(got->values()), part(want->values())), tolerance.outputs) << slot.name;
    if (!slot.trainable) {
      EXPECT_THAT(part(got->gradients()), ::testing::Each(0.0F)) << slot.name;
      continue;
    }
    EXPECT_LT(distance(part(got->gradients()), part(want->gradients())), tolerance.of_parameter)
        << slot.name;
    ++learnt;
  }
  EXPECT_GT(learnt, 0U);
}

TEST(AutogradNetwork, AgreesWithTheFusedOneOnEveryOperator) {
  const Graph graph = small_graph();
  const graph::Weights weights = bent_weights(graph);
  for (const auto& [h, w] : {std::pair{11, 14}, {8, 8}, {16, 5}}) {
    const Problem problem = make_problem(graph, h, w);
    expect_same(graph, weights, problem, {});
    expect_same(graph, weights, problem, {.frozen_statistics = true});
    expect_same(graph, weights, problem, {.frozen = {"stem", "right"}});
    expect_same(graph, weights, problem, {.statistics_momentum = 0.5F});
  }
}

TEST(AutogradNetwork, AgreesWithTheFusedOneInBfloat16) {
  const Graph graph = small_graph();
  const Problem problem = make_problem(graph);
  // As far as bfloat16 is from float32 (torch/fused_network_test.cc); each engine rounds elsewhere.
  const auto want = fused(graph, bent_weights(graph), {.type = graph::DataType::kBFloat16});
  const auto got = autograd(graph, bent_weights(graph), {.type = graph::DataType::kBFloat16});
  forward_backward(*want, problem);
  forward_backward(*got, problem);
  for (std::size_t i = 0; i < graph.outputs().size(); ++i) {
    EXPECT_LT(distance(values_of(got->output(i)), values_of(want->output(i))), 0.03);
  }
  EXPECT_LT(distance(got->gradients(), want->gradients()), 0.1);
}

/// The graph with activations whose kinks hardly matter: where a value is within rounding of 0 the
/// engines may be on different sides of it, and in a deep network one such place shows everywhere
/// before it. (The derivative of the kink itself is compared on small_graph.)
Graph nearly_linear(const Graph& graph) {
  Graph result;
  for (const graph::Node& node : graph.nodes()) {
    const bool activation = std::holds_alternative<graph::LeakyRelu>(node.op);
    const graph::Operator op = activation ? graph::LeakyRelu{0.99F} : node.op;
    if (node.shared_with.empty()) {
      result.add(node.name, op, node.inputs);
    } else {
      result.add_sharing(node.name, op, node.inputs, node.shared_with);
    }
  }
  for (const graph::Output& output : graph.outputs()) result.add_output(output.name, output.node);
  return result;
}

/// A row of each kind: all of the catalogue but options and depths of one design, which repeat the
/// layers of others.
std::vector<std::string> kinds_of_networks() {
  std::vector<std::string> names = {"resnet18+dcn+shared-heads"};
  for (const models::Model& model : models::catalogue()) {
    const bool repeats = model.name.find('+') != std::string::npos || model.name == "resnet18" ||
                         model.name == "resnet50" || model.name == "resnet152";
    if (!repeats) names.push_back(model.name);
  }
  return names;
}

class AutogradCatalogue : public ::testing::TestWithParam<std::string> {};

TEST_P(AutogradCatalogue, AgreesWithTheFusedEngine) {
  const Graph graph = nearly_linear(models::find_model(GetParam()).network.build());
  graph::Weights weights = lively_weights(graph, 1);
  testing::weaken_offsets(weights);
  // A shift in front of another normalisation has next to no gradient, which leaves it few digits.
  expect_same(graph, weights, make_problem(graph, 64, 96), {},
              {.outputs = 5e-5, .of_parameter = 1e-2, .of_all = 1e-4}, 1);
}

INSTANTIATE_TEST_SUITE_P(Kinds, AutogradCatalogue, ::testing::ValuesIn(kinds_of_networks()));

/// The fused engine lacks them: the reference runtime judges.
TEST(AutogradNetwork, ComputesImportedNetworksOperatorsAsTheReferenceDoes) {
  Graph graph;
  const graph::NodeId image = graph.add("image", graph::Input{3}, {});
  const graph::NodeId map =
      graph.add("map", graph::Convolution{.out_channels = 4, .kernel = 3, .padding = 1}, {image});
  const graph::NodeId places = graph.add("places", graph::Convolution{.out_channels = 2}, {map});
  const auto output = [&](const std::string& name, const graph::Operator& op,
                          std::vector<graph::NodeId> inputs) {
    graph.add_output(name, graph.add(name, op, std::move(inputs)));
  };
  output("average", graph::AveragePool{3, 2, 1, false}, {map});
  output("mean", graph::GlobalAveragePool{}, {map});
  output("prelu", graph::PRelu{}, {map});
  output("sigmoid", graph::Sigmoid{}, {map});
  output("softmax", graph::Softmax{.channels = 2}, {map});
  output("clip", graph::Clip{-0.25F, 0.5F}, {map});
  output("multiply", graph::Arithmetic{graph::Arithmetic::Kind::kMultiply}, {map, map});
  output("pad", graph::Pad{1, 0, 2, 3, 0.5F}, {map});
  output("grid", graph::GridSample{}, {map, places});
  output("grid.border", graph::GridSample{.border = true, .align_corners = true}, {map, places});
  output("grid.nearest", graph::GridSample{.nearest = true}, {map, places});
  const graph::Weights weights = lively_weights(graph, 5);
  Problem problem = make_problem(graph, 7, 10);
  const auto network = autograd(graph, weights);
  forward_backward(*network, problem);
  EXPECT_THAT(network->gradients(),
              ::testing::Each(::testing::Truly([](float value) { return std::isfinite(value); })));

  const auto reference = make_reference_network(graph, weights);
  const auto session = reference->new_session();
  const std::span<float> planes = session->input(problem.n, problem.h, problem.w).values();
  const std::int64_t area = problem.h * problem.w;
  for (std::int64_t n = 0; n < problem.n; ++n) {
    for (std::int64_t cell = 0; cell < area; ++cell) {
      for (std::int64_t c = 0; c < 3; ++c) {
        planes[static_cast<std::size_t>((n * 3 + c) * area + cell)] =
            problem.images[static_cast<std::size_t>((n * area + cell) * 3 + c)];
      }
    }
  }
  session->run();
  for (std::size_t i = 0; i < graph.outputs().size(); ++i) {
    SCOPED_TRACE(graph.outputs()[i].name);
    const OutputBatch found = network->output(i);
    std::vector<float> expected;  // channels last
    for (std::int64_t n = 0; n < problem.n; ++n) {
      const FeatureMap map_of_n = session->output(i).image(n);
      for (std::int64_t cell = 0; cell < map_of_n.cells(); ++cell) {
        for (std::int64_t c = 0; c < map_of_n.channels; ++c) {
          expected.push_back(map_of_n.channel(c)[cell * map_of_n.block]);
        }
      }
    }
    ASSERT_EQ(found.size(), expected.size());
    EXPECT_LT(distance(values_of(found), expected), 1e-5);
  }
}

TEST(AutogradNetwork, LeavesWhatIsFrozenAsItIs) {
  const Graph graph = small_graph();
  const graph::Weights weights = bent_weights(graph);
  const auto network = autograd(graph, weights, {.frozen = {""}});
  forward_backward(*network, make_problem(graph));
  EXPECT_THAT(network->gradients(), ::testing::Each(0.0F));
  const graph::Weights after = network->weights();
  for (const auto& [name, tensor] : weights.tensors) {
    EXPECT_TRUE(std::ranges::equal(after.at(name).values(), tensor.values())) << name;
  }
}

TEST(AutogradNetwork, SaysWhatItHasNot) {
  const Graph graph = small_graph();
  const graph::Weights weights = bent_weights(graph);
  const auto message = [&](const TrainableOptions& options) {
    const Error error = error_of([&] { autograd(graph, weights, options); });
    EXPECT_EQ(error.code(), ErrorCode::kUnsupported);
    return std::string(error.what());
  };
  EXPECT_THAT(message({.recompute = true}), HasSubstr("compute.recompute = false"));
  EXPECT_THAT(message({.sum_over_processes = [](std::span<double>) {}}), HasSubstr("one process"));
}

}  // namespace
}  // namespace retinaface::runtime
