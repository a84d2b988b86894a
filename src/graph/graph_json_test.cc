#include "graph/graph_json.h"

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support/testing.h"

namespace retinaface::graph {
namespace {

using retinaface::testing::error_of;
using ::testing::HasSubstr;

/// One node of each operator, with attributes that are not the defaults.
Graph every_operator() {
  Graph graph;
  const NodeId image = graph.add("image", Input{3}, {});
  const Convolution conv = {
      .out_channels = 6, .kernel = 3, .stride = 2, .padding = 1, .groups = 3, .bias = true};
  const NodeId a = graph.add("a", conv, {image});
  const NodeId b = graph.add_sharing("b", conv, {image}, "a");
  const NodeId offsets =
      graph.add("offsets", Convolution{.out_channels = 27, .kernel = 3, .padding = 1}, {a});
  graph.add("deformable", DeformableConvolution{.out_channels = 4}, {a, offsets});
  graph.add("norm", BatchNorm{.epsilon = 0.1F}, {a});
  graph.add("leaky", LeakyRelu{0.1F}, {a});
  graph.add("prelu", PRelu{}, {a});
  graph.add("add", Add{}, {a, b});
  graph.add("concat", Concat{}, {a, b, a});
  const NodeId pool = graph.add("pool", MaxPool{3, 2, 1, true}, {a});
  graph.add("average", AveragePool{2, 1, 0, true}, {a});
  const NodeId mean = graph.add("mean", GlobalAveragePool{}, {a});
  graph.add("up", UpsampleLike{}, {pool, a});
  graph.add("sigmoid", Sigmoid{}, {a});
  graph.add("softmax", Softmax{.channels = 3}, {a});
  graph.add("clip", Clip{-1, 2}, {a});
  graph.add("pad", Pad{1, 2, 3, 4, 0.5F}, {a});
  graph.add("places", Convolution{.out_channels = 2}, {a});
  graph.add("grid", GridSample{true, false, true},
            {a, static_cast<NodeId>(graph.nodes().size() - 1)});
  for (const auto kind :
       {Arithmetic::Kind::kSubtract, Arithmetic::Kind::kMultiply, Arithmetic::Kind::kDivide}) {
    graph.add("arithmetic" + std::to_string(static_cast<int>(kind)), Arithmetic{kind}, {a, mean});
  }
  graph.add_output("out.0", pool);
  return graph;
}

TEST(GraphJson, GivesEveryOperatorBack) {
  const Graph graph = every_operator();
  std::vector<bool> seen(std::variant_size_v<Operator>);
  for (const Node& node : graph.nodes()) seen[node.op.index()] = true;
  EXPECT_EQ(std::ranges::count(seen, false), 0) << "an operator is not in this test";

  const Graph again = parse_graph(to_json(graph), "test");
  ASSERT_EQ(again.nodes().size(), graph.nodes().size());
  for (std::size_t i = 0; i < graph.nodes().size(); ++i) {
    EXPECT_EQ(again.nodes()[i].name, graph.nodes()[i].name);
    EXPECT_EQ(again.nodes()[i].op, graph.nodes()[i].op) << graph.nodes()[i].name;
    EXPECT_EQ(again.nodes()[i].inputs, graph.nodes()[i].inputs);
    EXPECT_EQ(again.nodes()[i].shared_with, graph.nodes()[i].shared_with);
  }
  EXPECT_EQ(again.find_output("out.0"), 0);
  EXPECT_EQ(to_json(again), to_json(graph));
}

TEST(GraphJson, RefusesWhatIsNoGraph) {
  const std::string good = to_json(every_operator());
  const auto with = [&](const std::string& from, const std::string& to) {
    const std::size_t at = good.find(from);
    EXPECT_NE(at, std::string::npos) << from;
    return good.substr(0, at) + to + good.substr(at + from.size());
  };
  const std::pair<std::string, std::string> cases[] = {
      {"{", "is no JSON"},
      {"[]", "expected 'nodes'"},
      {R"({"nodes":[],"outputs":[]})", "it has no nodes"},
      {with("\"op\":\"Input\"", "\"op\":\"Magic\""), "no operator 'Magic'"},
      {with("\"out_channels\":6", "\"out_channels\":600000"), "expected 1 to 65536"},
      {with("\"groups\":1", "\"groups\":4"), "4 groups do not divide"},
      {with("\"bias\":true", "\"bias\":1"), "expected a boolean"},
      {with("\"name\":\"b\"", "\"name\":\"a\""), "two nodes are called 'a'"},
      {with("\"shared_with\":\"a\"", "\"shared_with\":\"image\""), "cannot use the parameters"},
      {with("\"inputs\":[0]", "\"inputs\":[99]"), "expected the number of a node before"},
      {with("\"inputs\":[0]", "\"inputs\":[]"), "expected 1 input(s), found 0"},
      {with("\"kernel\":2", "\"kernel\":1000"), "does not fit"},
  };
  for (const auto& [json, message] : cases) {
    EXPECT_THAT(error_of([&] { parse_graph(json, "test"); }).what(), HasSubstr(message)) << json;
  }
}

}  // namespace
}  // namespace retinaface::graph
