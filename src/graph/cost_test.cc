#include "graph/cost.h"

#include <gtest/gtest.h>

namespace retinaface::graph {
namespace {

TEST(Cost, CountsLearnedValuesAndConvolutions) {
  Graph graph;
  const NodeId image = graph.add("image", Input{}, {});
  const NodeId map = graph.add(
      "conv", Convolution{.out_channels = 4, .kernel = 3, .padding = 1, .bias = true}, {image});
  graph.add_output("out", graph.add("norm", BatchNorm{}, {map}));
  const Cost whole = cost(graph, {1, 3, 5, 7});
  // Weight, bias; scale and shift, without the running mean and variance.
  EXPECT_EQ(whole.parameters, 4 * 3 * 3 * 3 + 4 + 2 * 4);
  EXPECT_EQ(whole.multiply_adds, 5 * 7 * 4 * 3 * 3 * 3);
}

}  // namespace
}  // namespace retinaface::graph
