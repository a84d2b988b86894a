#include "graph/weights.h"

#include <cmath>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "graph/operators.h"
#include "support/testing.h"

namespace retinaface::graph {
namespace {

using testing::error_of;
using ::testing::StrEq;

Graph one_layer() {
  Graph graph;
  const NodeId image = graph.add("image", Input{3}, {});
  const NodeId conv = graph.add(
      "conv", Convolution{.out_channels = 2, .kernel = 3, .padding = 1, .bias = true}, {image});
  graph.add_output("out", graph.add("norm", BatchNorm{}, {conv}));
  return graph;
}

std::string complaint(const Graph& graph, const Weights& weights) {
  const Error error = error_of([&] { check_weights(graph, weights, "file"); });
  EXPECT_EQ(error.code(), ErrorCode::kBadData);
  return error.what();
}

TEST(CheckWeights, AcceptsWhatTheGraphAsksFor) {
  EXPECT_NO_THROW(check_weights(one_layer(), random_weights(one_layer(), 1), "file"));
}

TEST(CheckWeights, NamesEachTensorThatIsWrong) {
  const Graph graph = one_layer();
  Weights weights = random_weights(graph, 1);
  weights.tensors.erase("norm.running_var");
  EXPECT_THAT(complaint(graph, weights),
              StrEq("file: the tensors are not the model's; missing: norm.running_var"));

  weights.tensors.emplace("stray", Tensor::of_shape({1}));
  EXPECT_THAT(complaint(graph, weights),
              StrEq("file: the tensors are not the model's; missing: norm.running_var; not in the "
                    "model: stray"));

  weights.tensors["conv.weight"] = Tensor::of_shape({2, 3, 3});
  EXPECT_THAT(complaint(graph, weights),
              StrEq("file: the tensors are not the model's; missing: norm.running_var; not in the "
                    "model: stray; wrong shape: conv.weight is (2, 3, 3), expected (2, 3, 3, 3)"));
}

TEST(CheckWeights, ListsTheFirstFewOfMany) {
  EXPECT_THAT(complaint(one_layer(), {}),
              StrEq("file: the tensors are not the model's; missing: conv.weight, conv.bias, "
                    "norm.weight, norm.bias, norm.running_mean and 1 more"));
}

TEST(RandomWeights, AreTheSameForTheSameSeed) {
  const Weights a = random_weights(one_layer(), 7);
  const Weights b = random_weights(one_layer(), 7);
  const Weights c = random_weights(one_layer(), 8);
  EXPECT_TRUE(std::ranges::equal(a.at("conv.weight").values(), b.at("conv.weight").values()));
  EXPECT_FALSE(std::ranges::equal(a.at("conv.weight").values(), c.at("conv.weight").values()));
}

void expect_deviation(const Tensor& tensor, double deviation) {
  double sum = 0;
  double squares = 0;
  for (const float value : tensor.values()) {
    sum += value;
    squares += double{value} * value;
  }
  const auto count = static_cast<double>(tensor.values().size());
  EXPECT_NEAR(sum / count, 0, 4 * deviation / std::sqrt(count));
  EXPECT_NEAR(std::sqrt(squares / count), deviation, 0.02 * deviation);
}

TEST(RandomWeights, HaveTheDeviationOfHe) {
  Graph graph;
  const NodeId image = graph.add("image", Input{16}, {});
  graph.add_output("out",
                   graph.add("conv", Convolution{.out_channels = 256, .kernel = 3}, {image}));
  const Weights weights = random_weights(graph, 3);
  expect_deviation(weights.at("conv.weight"), std::sqrt(2.0 / (16 * 9)));
}

TEST(RandomWeights, DependOnWhatFollows) {
  Graph graph;
  const NodeId image = graph.add("image", Input{16}, {});
  const auto conv = [&](const char* name, std::int64_t channels, NodeId input) {
    return graph.add(name, Convolution{.out_channels = channels, .kernel = 3, .padding = 1},
                     {input});
  };
  const NodeId linear = conv("linear", 128, image);
  const NodeId offset = conv("offset", 27, linear);
  graph.add_output(
      "out", graph.add("deformable", DeformableConvolution{.out_channels = 64}, {linear, offset}));
  const Weights weights = random_weights(graph, 3);
  expect_deviation(weights.at("linear.weight"), std::sqrt(2.0 / (16 * 9 + 128 * 9)));
  expect_deviation(weights.at("deformable.weight"), std::sqrt(2.0 / (128 * 9)));
  for (const float value : weights.at("offset.weight").values()) ASSERT_EQ(value, 0);
}

TEST(RandomWeights, NormaliseNothing) {
  const Weights weights = random_weights(one_layer(), 1);
  for (const char* one : {"norm.weight", "norm.running_var"})
    EXPECT_EQ(weights.at(one).values()[1], 1);
  for (const char* zero : {"norm.bias", "norm.running_mean", "conv.bias"}) {
    EXPECT_EQ(weights.at(zero).values()[1], 0);
  }
}

TEST(Tensor, ClonesAreTheirOwn) {
  Tensor original = Tensor::of_shape({2});
  original.values()[0] = 1;
  original.values()[1] = 2;
  const Tensor copy = original.clone();
  original.values()[0] = 5;
  EXPECT_EQ(copy.values()[0], 1);
  EXPECT_EQ(copy.shape, original.shape);
}

}  // namespace
}  // namespace retinaface::graph
