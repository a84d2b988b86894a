#include "runtime/reference/reference.h"

#include <cmath>
#include <fstream>
#include <limits>
#include <nlohmann/json.hpp>
#include <numeric>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "graph/operators.h"
#include "runtime/reference/operators.h"
#include "runtime/testing.h"
#include "support/testing.h"

namespace retinaface::runtime {
namespace {

using graph::Convolution;
using graph::Graph;
using graph::Shape;
using nlohmann::json;
using reference::Map;
using ::testing::ElementsAre;

Map map_of(const Shape& shape, std::vector<double> values) {
  Map map(shape);
  EXPECT_EQ(map.values.size(), values.size());
  map.values = std::move(values);
  return map;
}

graph::Tensor tensor(std::vector<std::int64_t> shape, const std::vector<float>& values) {
  graph::Tensor result = graph::Tensor::of_shape(std::move(shape));
  EXPECT_EQ(result.values().size(), values.size());
  std::ranges::copy(values, result.values().begin());
  return result;
}

Map evaluate(const graph::Operator& op, const std::vector<Map>& inputs,
             const graph::Weights& weights = {}) {
  std::vector<Shape> shapes;
  std::vector<const Map*> pointers;
  std::vector<graph::NodeId> ids;
  for (const Map& input : inputs) {
    ids.push_back(static_cast<graph::NodeId>(ids.size()));
    shapes.push_back(input.shape);
    pointers.push_back(&input);
  }
  const graph::Node node{"n", op, ids};
  return reference::evaluate(node, weights, pointers, graph::output_shape(op, shapes));
}

TEST(ReferenceOperators, ConvolutionByHand) {
  graph::Weights weights;
  // Correlation, not convolution: the kernel's last element meets the image's last.
  weights.tensors.emplace("n.weight", tensor({1, 1, 3, 3}, {1, 2, 3, 4, 5, 6, 7, 8, 9}));
  weights.tensors.emplace("n.bias", tensor({1}, {100}));
  const Map in = map_of({1, 1, 2, 3}, {1, 0, 0, 0, 0, 2});
  const Map out = evaluate(Convolution{.out_channels = 1, .kernel = 3, .padding = 1, .bias = true},
                           {in}, weights);
  // At (0, 0): 5 * 1. At (0, 1): 4 * 1 + 9 * 2. At (0, 2): 8 * 2. Row 1: 2; 1 + 6 * 2; 5 * 2.
  EXPECT_THAT(out.values, ElementsAre(105, 122, 116, 102, 113, 110));
  const Map strided =
      evaluate(Convolution{.out_channels = 1, .kernel = 3, .stride = 2, .padding = 1, .bias = true},
               {in}, weights);
  EXPECT_EQ(strided.shape, (Shape{1, 1, 1, 2}));
  EXPECT_THAT(strided.values, ElementsAre(105, 116));
}

TEST(ReferenceOperators, GroupsStayApartByHand) {
  graph::Weights weights;
  weights.tensors.emplace("n.weight", tensor({4, 1, 1, 1}, {1, 10, 100, 1000}));
  const Map in = map_of({1, 2, 1, 2}, {1, 2, 3, 4});
  EXPECT_THAT(evaluate(Convolution{.out_channels = 4, .groups = 2}, {in}, weights).values,
              ElementsAre(1, 2, 10, 20, 300, 400, 3000, 4000));
}

TEST(ReferenceOperators, DeformableConvolutionByHand) {
  // Two cells in a row, a kernel of one point: what is read is seen directly.
  graph::Weights weights;
  weights.tensors.emplace("n.weight", tensor({1, 1, 1, 1}, {10}));
  weights.tensors.emplace("n.bias", tensor({1}, {100}));
  const Map in = map_of({1, 1, 1, 2}, {1, 3});
  const graph::DeformableConvolution one{
      .out_channels = 1, .kernel = 1, .padding = 0, .bias = true};
  const auto read = [&](double dy, double dx, double logit) {
    const Map offsets = map_of({1, 3, 1, 2}, {dy, dy, dx, dx, logit, logit});
    return evaluate(one, {in, offsets}, weights).values;
  };
  EXPECT_THAT(read(0, 0, 0), ElementsAre(110, 130));
  EXPECT_THAT(read(0, 0.25, 0), ElementsAre(115, 122.5));       // (3 + 1) / 4 * 1.5; 3 * 3 / 4
  EXPECT_THAT(read(0, -1.5, 0), ElementsAre(100, 105));         // outside; half of cell 0
  EXPECT_THAT(read(0.5, 1, 0), ElementsAre(115, 100));          // half of cell 1; outside
  EXPECT_THAT(read(-1, 0, 0), ElementsAre(100, 100));           // a whole row outside
  EXPECT_THAT(read(1e9, -1e9, 0), ElementsAre(100, 100));       // far away
  EXPECT_THAT(read(0, 0, std::log(3)), ElementsAre(115, 145));  // mask 2 * 3 / 4
}

/// Offsets of whole cells read as a convolution whose kernel has its points there.
TEST(ReferenceOperators, DeformableConvolutionMovesThePointsOfTheKernel) {
  graph::Weights weights;
  weights.tensors.emplace("n.weight", tensor({1, 1, 3, 3}, {1, 2, 3, 4, 5, 6, 7, 8, 9}));
  Map in({1, 1, 5, 6});
  std::iota(in.values.begin(), in.values.end(), 1);
  const Map plain =
      evaluate(Convolution{.out_channels = 1, .kernel = 3, .padding = 1}, {in}, weights);
  const graph::DeformableConvolution deformable{.out_channels = 1};
  Map offsets({1, 27, 5, 6});
  EXPECT_EQ(evaluate(deformable, {in, offsets}, weights).values, plain.values);
  // Point 5 (row 1, column 2) alone, one cell up and two to the left: (0, -1) in all.
  for (std::int64_t y = 0; y < 5; ++y) {
    for (std::int64_t x = 0; x < 6; ++x) {
      offsets.at(10, y, x) = -1;
      offsets.at(11, y, x) = -2;
    }
  }
  const Map moved = evaluate(deformable, {in, offsets}, weights);
  const auto at = [&](std::int64_t y, std::int64_t x) {
    return y >= 0 && y < 5 && x >= 0 && x < 6 ? in.at(0, y, x) : 0;
  };
  for (std::int64_t y = 0; y < 5; ++y) {
    for (std::int64_t x = 0; x < 6; ++x) {
      EXPECT_EQ(moved.at(0, y, x), plain.at(0, y, x) + 6 * (at(y - 1, x - 1) - at(y, x + 1)));
    }
  }
}

TEST(ReferenceOperators, TheOthersByHand) {
  const Map in = map_of({1, 1, 2, 2}, {-4, 8, 0, 2});
  EXPECT_THAT(evaluate(graph::LeakyRelu{0.25F}, {in}).values, ElementsAre(-1, 8, 0, 2));
  EXPECT_THAT(evaluate(graph::Add{}, {in, in}).values, ElementsAre(-8, 16, 0, 4));
  EXPECT_THAT(evaluate(graph::Concat{}, {in, in}).values, ElementsAre(-4, 8, 0, 2, -4, 8, 0, 2));
  // To three rows and one column: rows floor(y 2 / 3) = 0, 0, 1, column 0.
  EXPECT_THAT(evaluate(graph::UpsampleLike{}, {in, Map({1, 5, 3, 1})}).values,
              ElementsAre(-4, -4, 0));
  EXPECT_THAT(evaluate(graph::MaxPool{2, 1, 0}, {in}).values, ElementsAre(8));
  EXPECT_THAT(evaluate(graph::MaxPool{3, 2, 1}, {map_of({1, 1, 1, 1}, {-5})}).values,
              ElementsAre(-5));

  graph::Weights weights;
  weights.tensors.emplace("n.weight", tensor({1}, {3}));
  weights.tensors.emplace("n.bias", tensor({1}, {1}));
  weights.tensors.emplace("n.running_mean", tensor({1}, {2}));
  weights.tensors.emplace("n.running_var", tensor({1}, {3}));
  EXPECT_THAT(evaluate(graph::BatchNorm{.epsilon = 1}, {in}, weights).values,
              ElementsAre(-8, 10, -2, 1));  // (x - 2) / sqrt(3 + 1) * 3 + 1
}

TEST(ReferenceOperators, ThoseOfImportedNetworksByHand) {
  const Map in = map_of({1, 2, 1, 3}, {-4, 8, 2, 0, -1, 3});
  graph::Weights weights;
  weights.tensors.emplace("n.weight", tensor({2}, {0.5F, -2}));
  EXPECT_THAT(evaluate(graph::PRelu{}, {in}, weights).values, ElementsAre(-2, 8, 2, 0, 2, 3));
  EXPECT_THAT(evaluate(graph::Clip{-1, 2}, {in}).values, ElementsAre(-1, 2, 2, 0, -1, 2));
  EXPECT_THAT(evaluate(graph::GlobalAveragePool{}, {in}).values,
              ElementsAre(2, ::testing::DoubleNear(2.0 / 3, 1e-12)));
  // Windows of two: the last one is cut off by the map's edge, and counts only rounded up.
  const Map row = map_of({1, 1, 2, 3}, {1, 2, 9, 3, 4, 7});
  EXPECT_THAT(evaluate(graph::AveragePool{2, 2, 0, true}, {row}).values, ElementsAre(2.5, 8));
  EXPECT_THAT(evaluate(graph::AveragePool{2, 2, 0, false}, {row}).values, ElementsAre(2.5));
  EXPECT_THAT(evaluate(graph::MaxPool{2, 2, 0, true}, {row}).values, ElementsAre(4, 9));
  // Corners of a window that lie outside do not count.
  EXPECT_THAT(evaluate(graph::AveragePool{3, 2, 1, false}, {row}).values, ElementsAre(2.5, 5.5));
  const Map logits = map_of({1, 4, 1, 1}, {0, std::log(3.0), 0, 0});
  EXPECT_THAT(evaluate(graph::Softmax{.channels = 2}, {logits}).values,
              ::testing::Pointwise(::testing::DoubleNear(1e-12),
                                   std::vector<double>{0.25, 0.75, 0.5, 0.5}));
  EXPECT_THAT(evaluate(graph::Sigmoid{}, {logits}).values[1], ::testing::DoubleNear(0.75, 1e-12));
  const Map plane = map_of({1, 1, 1, 2}, {3, 7});
  EXPECT_THAT(evaluate(graph::Pad{1, 0, 0, 1, -1}, {plane}).values,
              ElementsAre(-1, -1, -1, 3, 7, -1));
  // Edges at -1 and 1: the cells' centres are at -0.5 and 0.5.
  const Map grid = map_of({1, 2, 1, 5}, {-0.5, 0, 0.5, -1, 1.25, 0, 0, 0, 0, 0});
  EXPECT_THAT(evaluate(graph::GridSample{}, {plane, grid}).values, ElementsAre(3, 5, 7, 1.5, 1.75));
  EXPECT_THAT(evaluate(graph::GridSample{.border = true}, {plane, grid}).values,
              ElementsAre(3, 5, 7, 3, 7));
  EXPECT_THAT(evaluate(graph::GridSample{.nearest = true}, {plane, grid}).values,
              ElementsAre(3, 3, 7, 3, 0));
  EXPECT_THAT(evaluate(graph::GridSample{.align_corners = true}, {plane, grid}).values,
              ElementsAre(4, 5, 6, 3, 6.125));
  using Kind = graph::Arithmetic::Kind;
  const Map one = map_of({1, 2, 1, 1}, {2, 4});
  EXPECT_THAT(evaluate(graph::Arithmetic{Kind::kSubtract}, {in, in}).values,
              ElementsAre(0, 0, 0, 0, 0, 0));
  EXPECT_THAT(evaluate(graph::Arithmetic{Kind::kMultiply}, {in, one}).values,
              ElementsAre(-8, 16, 4, 0, -4, 12));
  EXPECT_THAT(evaluate(graph::Arithmetic{Kind::kDivide}, {in, one}).values,
              ElementsAre(-2, 4, 1, 0, -0.25, 0.75));
}

graph::Operator operator_of(const std::string& name, const json& attributes) {
  const auto number = [&](const char* key) { return attributes.at(key).get<std::int64_t>(); };
  if (name == "Convolution") {
    return Convolution{.out_channels = number("out_channels"),
                       .kernel = number("kernel"),
                       .stride = number("stride"),
                       .padding = number("padding"),
                       .groups = number("groups"),
                       .bias = attributes.at("bias").get<bool>()};
  }
  if (name == "BatchNorm") return graph::BatchNorm{attributes.at("epsilon").get<float>()};
  if (name == "LeakyRelu") return graph::LeakyRelu{attributes.at("slope").get<float>()};
  if (name == "Add") return graph::Add{};
  if (name == "Concat") return graph::Concat{};
  if (name == "UpsampleLike") return graph::UpsampleLike{};
  if (name == "MaxPool") {
    return graph::MaxPool{number("kernel"), number("stride"), number("padding")};
  }
  throw std::runtime_error("no operator " + name);
}

Map map_of(const json& dump) {
  const auto shape = dump.at("shape").get<std::vector<std::int64_t>>();
  return map_of(Shape{shape.at(0), shape.at(1), shape.at(2), shape.at(3)},
                dump.at("values").get<std::vector<double>>());
}

/// tests/make_operator_fixtures.py wrote what PyTorch computes.
TEST(ReferenceOperators, EqualPyTorch) {
  std::ifstream file(retinaface::testing::fixture_folder() / "operators.json");
  const json cases = json::parse(file);
  ASSERT_GE(cases.size(), 20U);
  for (const json& entry : cases) {
    const auto op = operator_of(entry.at("operator").get<std::string>(), entry.at("attributes"));
    graph::Weights weights;
    for (const auto& [name, dump] : entry.at("parameters").items()) {
      weights.tensors.emplace("n." + name, tensor(dump.at("shape").get<std::vector<std::int64_t>>(),
                                                  dump.at("values").get<std::vector<float>>()));
    }
    std::vector<Map> inputs;
    for (const json& dump : entry.at("inputs")) inputs.push_back(map_of(dump));
    const Map expected = map_of(entry.at("output"));
    const Map actual = evaluate(op, inputs, weights);
    const std::string what = entry.at("operator").dump() + entry.at("attributes").dump();
    ASSERT_EQ(actual.shape, expected.shape) << what;
    for (std::size_t i = 0; i < expected.values.size(); ++i) {
      // Parameters are float32, as all weights are.
      ASSERT_NEAR(actual.values[i], expected.values[i], 1e-5) << what << " element " << i;
    }
  }
}

TEST(ReferenceNetwork, RunsAGraphAtAnySize) {
  Graph graph;
  const auto image = graph.add("image", graph::Input{1}, {});
  const auto half = graph.add("half", graph::MaxPool{2, 2, 0}, {image});
  const auto back = graph.add("back", graph::UpsampleLike{}, {half, image});
  graph.add_output("sum", graph.add("sum", graph::Add{}, {back, image}));
  graph.add_output("half", half);
  const auto network = make_reference_network(graph, {});
  const auto session = network->new_session();
  const auto outputs = [&](std::int64_t height, std::int64_t width, std::vector<float> values) {
    std::ranges::copy(values, session->input(1, height, width).values().begin());
    session->run();
    const FeatureMap map = session->output(0);
    EXPECT_EQ(map.height, height);
    EXPECT_EQ(map.width, width);
    return testing::planar(map);
  };
  EXPECT_THAT(outputs(2, 3, {1, 2, 3, 4, 5, 6}), ElementsAre(6, 7, 8, 9, 10, 11));
  EXPECT_THAT(outputs(4, 2, {1, 0, 0, 0, 5, 0, 0, 7}), ElementsAre(2, 1, 1, 1, 12, 7, 7, 14));
  EXPECT_EQ(session->output(1).height, 2);
  EXPECT_EQ(testing::outputs_changed_by_batching(graph, *network, 3, 4, 5), 0);
}

TEST(ReferenceNetwork, NarrowWeightsComputeAsTheSameNumbersInFloat32) {
  Graph graph;
  const auto image = graph.add("image", graph::Input{3}, {});
  const auto conv = graph.add(
      "conv", Convolution{.out_channels = 4, .kernel = 3, .padding = 1, .bias = true}, {image});
  graph.add_output("out", graph.add("norm", graph::BatchNorm{}, {conv}));
  const auto [narrow, wide] = testing::narrowed(testing::lively_weights(graph, 6));
  EXPECT_EQ(testing::outputs_for_noise(graph, *make_reference_network(graph, narrow)->new_session(),
                                       5, 7, 1),
            testing::outputs_for_noise(graph, *make_reference_network(graph, wide)->new_session(),
                                       5, 7, 1));
}

}  // namespace
}  // namespace retinaface::runtime
