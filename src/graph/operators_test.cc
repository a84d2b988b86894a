#include "graph/operators.h"

#include <array>
#include <utility>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace retinaface::graph {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

Shape shape_of(const Operator& op, std::initializer_list<Shape> inputs) {
  return output_shape(op, std::vector<Shape>(inputs));
}

TEST(OutputShape, OfWindowsOnOddSides) {
  // floor((in + 2 padding - kernel) / stride) + 1, by hand.
  struct Case {
    std::int64_t in, kernel, stride, padding, out;
  };
  for (const Case& c :
       {Case{7, 3, 2, 1, 4}, Case{8, 3, 2, 1, 4}, Case{1, 3, 2, 1, 1}, Case{2, 3, 2, 1, 1},
        Case{5, 3, 1, 1, 5}, Case{5, 3, 1, 0, 3}, Case{3, 3, 1, 0, 1}, Case{13, 7, 4, 3, 4},
        Case{12, 7, 4, 3, 3}, Case{9, 1, 1, 0, 9}, Case{9, 1, 2, 0, 5}, Case{6, 2, 2, 0, 3},
        Case{7, 2, 2, 0, 3}}) {
    // The other side differs, so that exchanged sides show.
    const Convolution conv{
        .out_channels = 6, .kernel = c.kernel, .stride = c.stride, .padding = c.padding};
    const std::int64_t other = shape_of(conv, {{1, 4, c.in, 20}}).w;
    EXPECT_EQ(shape_of(conv, {{1, 4, c.in, 20}}), (Shape{1, 6, c.out, other})) << c.in;
    EXPECT_EQ(shape_of(conv, {{2, 4, 20, c.in}}), (Shape{2, 6, other, c.out})) << c.in;
    const MaxPool pool{c.kernel, c.stride, c.padding};
    EXPECT_EQ(shape_of(pool, {{1, 4, c.in, 20}}), (Shape{1, 4, c.out, other})) << c.in;
  }
}

TEST(OutputShape, OfTheOtherOperators) {
  const Shape a{1, 3, 5, 7};
  EXPECT_EQ(shape_of(BatchNorm{}, {a}), a);
  EXPECT_EQ(shape_of(LeakyRelu{0.1F}, {a}), a);
  EXPECT_EQ(shape_of(Add{}, {a, a}), a);
  EXPECT_EQ(shape_of(Concat{}, {a, {1, 10, 5, 7}, {1, 1, 5, 7}}), (Shape{1, 14, 5, 7}));
  EXPECT_EQ(shape_of(UpsampleLike{}, {{1, 3, 3, 4}, {1, 64, 5, 7}}), (Shape{1, 3, 5, 7}));
}

TEST(OutputShape, OfDeformableConvolutionsNeedsItsOffsets) {
  const DeformableConvolution conv{.out_channels = 6, .stride = 2};
  EXPECT_EQ(shape_of(conv, {{1, 4, 5, 8}, {1, 27, 3, 4}}), (Shape{1, 6, 3, 4}));
  EXPECT_DEATH(shape_of(conv, {{1, 4, 5, 8}, {1, 18, 3, 4}}), "internal error");
  EXPECT_DEATH(shape_of(conv, {{1, 4, 5, 8}, {1, 27, 5, 8}}), "internal error");
}

using OutputShapeDeathTest = ::testing::Test;

TEST(OutputShapeDeathTest, OfInputsThatDoNotGoTogether) {
  const Shape a{1, 3, 5, 7};
  EXPECT_DEATH(shape_of(Add{}, {a, {1, 3, 7, 5}}), "internal error");
  EXPECT_DEATH(shape_of(Concat{}, {a, {1, 3, 5, 8}}), "internal error");
  EXPECT_DEATH(shape_of(Convolution{.out_channels = 4, .groups = 2}, {a}), "internal error");
  EXPECT_DEATH(shape_of(Convolution{.out_channels = 4, .kernel = 7}, {a}), "internal error");
}

TEST(Parameters, OfEachOperator) {
  const auto names_and_shapes = [](const Operator& op, const Shape& input) {
    std::vector<std::pair<std::string, std::vector<std::int64_t>>> result;
    for (const auto& p : parameters(Node{"n", op, {0}}, std::array{input})) {
      result.emplace_back(p.name, p.shape);
    }
    return result;
  };
  using Extents = std::vector<std::int64_t>;
  const Shape in{1, 12, 9, 9};
  EXPECT_THAT(names_and_shapes(Convolution{.out_channels = 8, .kernel = 3}, in),
              ElementsAre(std::pair("n.weight", Extents{8, 12, 3, 3})));
  EXPECT_THAT(
      names_and_shapes(Convolution{.out_channels = 8, .kernel = 5, .groups = 4, .bias = true}, in),
      ElementsAre(std::pair("n.weight", Extents{8, 3, 5, 5}), std::pair("n.bias", Extents{8})));
  EXPECT_THAT(names_and_shapes(BatchNorm{}, in),
              ElementsAre(std::pair("n.weight", Extents{12}), std::pair("n.bias", Extents{12}),
                          std::pair("n.running_mean", Extents{12}),
                          std::pair("n.running_var", Extents{12})));
  EXPECT_THAT(
      names_and_shapes(DeformableConvolution{.out_channels = 8, .bias = true}, in),
      ElementsAre(std::pair("n.weight", Extents{8, 12, 3, 3}), std::pair("n.bias", Extents{8})));
  EXPECT_THAT(names_and_shapes(LeakyRelu{}, in), IsEmpty());
  EXPECT_THAT(names_and_shapes(MaxPool{}, in), IsEmpty());
}

TEST(Parameters, OfNodesThatShareThemAreThere) {
  Graph graph;
  const NodeId image = graph.add("image", Input{3}, {});
  const Convolution conv{.out_channels = 2, .bias = true};
  const NodeId first = graph.add("first", conv, {image});
  const NodeId second = graph.add_sharing("second", conv, {image}, "first");
  EXPECT_EQ(graph.node(first).parameter("weight"), "first.weight");
  EXPECT_EQ(graph.node(second).parameter("weight"), "first.weight");
  std::vector<std::string> names;
  for (const auto& parameter : parameters(graph)) names.push_back(parameter.name);
  EXPECT_THAT(names, ElementsAre("first.weight", "first.bias"));
  EXPECT_DEATH(graph.add_sharing("third", conv, {image}, "second"), "internal error");
  EXPECT_DEATH(graph.add_sharing("third", Convolution{.out_channels = 3}, {image}, "first"),
               "internal error");
}

TEST(MultiplyAdds, CountConvolutionsAlone) {
  const auto count = [](const Operator& op, const Shape& input) {
    return multiply_adds(op, std::array{input});
  };
  const Shape in{1, 12, 9, 7};
  // 5 x 4 places of 8 channels, each of 12 x 3 x 3 products.
  EXPECT_EQ(count(Convolution{.out_channels = 8, .kernel = 3, .stride = 2, .padding = 1}, in),
            5 * 4 * 8 * 12 * 9);
  EXPECT_EQ(count(Convolution{.out_channels = 12, .kernel = 3, .padding = 1, .groups = 12}, in),
            9 * 7 * 12 * 9);
  const DeformableConvolution deformable{.out_channels = 8, .stride = 2};
  EXPECT_EQ(multiply_adds(deformable, std::array{in, Shape{1, 27, 5, 4}}), 5 * 4 * 8 * 12 * 9);
  EXPECT_EQ(count(BatchNorm{}, in), 0);
  EXPECT_EQ(count(MaxPool{}, in), 0);
}

TEST(OperatorName, TellsReluFromLeakyRelu) {
  EXPECT_EQ(operator_name(LeakyRelu{0}), "Relu");
  EXPECT_EQ(operator_name(LeakyRelu{0.1F}), "LeakyRelu");
  EXPECT_EQ(operator_name(Convolution{}), "Convolution");
}

Graph pyramid_of_two() {
  Graph graph;
  const NodeId image = graph.add("image", Input{3}, {});
  const auto conv = [&](const char* name, NodeId input, std::int64_t stride) {
    return graph.add(
        name, Convolution{.out_channels = 4, .kernel = 3, .stride = stride, .padding = 1}, {input});
  };
  const NodeId fine = conv("fine", image, 2);
  const NodeId coarse = conv("coarse", fine, 2);
  const NodeId up = graph.add("up", UpsampleLike{}, {coarse, fine});
  graph.add_output("sum", graph.add("sum", Add{}, {fine, up}));
  return graph;
}

TEST(InferShapes, FollowsTheGraphOnOddSizes) {
  EXPECT_THAT(infer_shapes(pyramid_of_two(), {1, 3, 13, 10}),
              ElementsAre(Shape{1, 3, 13, 10}, Shape{1, 4, 7, 5}, Shape{1, 4, 4, 3},
                          Shape{1, 4, 7, 5}, Shape{1, 4, 7, 5}));
  EXPECT_THAT(infer_shapes(pyramid_of_two(), {1, 3, 1, 2}),
              ElementsAre(Shape{1, 3, 1, 2}, Shape{1, 4, 1, 1}, Shape{1, 4, 1, 1},
                          Shape{1, 4, 1, 1}, Shape{1, 4, 1, 1}));
}

TEST(Graph, FindsOutputsByName) {
  const Graph graph = pyramid_of_two();
  EXPECT_EQ(graph.find_output("sum"), 0);
  EXPECT_EQ(graph.find_output("fine"), -1);
  EXPECT_EQ(to_string(Shape{1, 2, 3, 4}), "1x2x3x4");
}

using GraphDeathTest = ::testing::Test;

TEST(GraphDeathTest, RefusesWhatIsNoGraph) {
  Graph graph = pyramid_of_two();
  EXPECT_DEATH(graph.add("fine", LeakyRelu{}, {0}), "internal error");   // name taken
  EXPECT_DEATH(graph.add("later", LeakyRelu{}, {5}), "internal error");  // reads itself
  EXPECT_DEATH(graph.add_output("sum", 0), "internal error");
  EXPECT_DEATH(graph.add_output("other", 5), "internal error");
  EXPECT_DEATH(infer_shapes(graph, {1, 4, 8, 8}), "internal error");
}

}  // namespace
}  // namespace retinaface::graph
