#include "runtime/lowering.h"

#include <algorithm>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "graph/operators.h"
#include "models/catalogue.h"

// What lowering yields for graphs small enough to be worked out by hand. That lowered networks
// compute the same as their graphs is tested in runtime/cpu.

namespace retinaface::runtime {
namespace {

using graph::Convolution;
using graph::Graph;
using graph::LeakyRelu;
using graph::NodeId;
using ::testing::ElementsAre;

NodeId conv(Graph& graph, const std::string& name, NodeId input, std::int64_t channels,
            std::int64_t kernel = 1) {
  return graph.add(name,
                   Convolution{.out_channels = channels, .kernel = kernel, .padding = kernel / 2},
                   {input});
}

std::vector<std::string> step_names(const LoweredGraph& lowered) {
  std::vector<std::string> names;
  for (const Step& step : lowered.steps) names.push_back(step.name);
  return names;
}

const ConvolutionStep& convolution(const LoweredGraph& lowered, std::size_t step) {
  return std::get<ConvolutionStep>(lowered.steps.at(step).op);
}

LoweredGraph lowered_by_blocks(const Graph& graph, std::int64_t block = 16) {
  return lower(graph, graph::random_weights(graph, 1), {.block = block});
}

TEST(Lowering, FoldsNormalisationAndFusesActivation) {
  Graph graph;
  const NodeId image = graph.add("image", graph::Input{1}, {});
  const NodeId first = conv(graph, "conv", image, 2);
  const NodeId norm = graph.add("norm", graph::BatchNorm{.epsilon = 0}, {first});
  graph.add_output("out", graph.add("relu", LeakyRelu{0.1F}, {norm}));
  graph::Weights weights = graph::random_weights(graph, 1);
  const auto set = [&](const char* name, float a, float b) {
    weights.tensors[name].values()[0] = a;
    weights.tensors[name].values()[1] = b;
  };
  set("conv.weight", 3, 5);
  set("norm.weight", 2, -1);
  set("norm.bias", 10, 20);
  set("norm.running_mean", 4, 6);
  set("norm.running_var", 4, 0.25F);

  const LoweredGraph lowered = lower(graph, weights, {.block = 16});
  ASSERT_EQ(lowered.steps.size(), 1U);
  const ConvolutionStep& step = convolution(lowered, 0);
  // (3 x - 4) / 2 * 2 + 10 = 3 x + 6 and (5 x - 6) / 0.5 * -1 + 20 = -10 x + 32.
  EXPECT_THAT(std::vector<float>(step.weight.values().begin(), step.weight.values().end()),
              ElementsAre(3, -10));
  EXPECT_THAT(std::vector<float>(step.bias.values().begin(), step.bias.values().end()),
              ElementsAre(6, 32));
  EXPECT_THAT(step.post_ops, ElementsAre(PostOp{.kind = PostOp::Kind::kLeakyRelu, .slope = 0.1F}));
  EXPECT_EQ(lowered.steps[0].name, "relu");
  EXPECT_THAT(lowered.outputs, ElementsAre(lowered.steps[0].target));
}

TEST(Lowering, FusesAnAdditionOnceItsAddendIsThere) {
  Graph graph;
  const NodeId image = graph.add("image", graph::Input{8}, {});
  const NodeId main = conv(graph, "main", image, 8, 3);
  const NodeId other = graph.add("other", graph::MaxPool{3, 1, 1}, {image});
  graph.add_output("out", graph.add("sum", graph::Add{}, {main, other}));
  const LoweredGraph lowered = lowered_by_blocks(graph);
  // The convolution stands first in the graph, but waits for its addend, which reads a copy of the
  // image in blocks.
  EXPECT_THAT(step_names(lowered), ElementsAre("image", "other", "sum"));
  EXPECT_THAT(convolution(lowered, 2).post_ops,
              ElementsAre(PostOp{.kind = PostOp::Kind::kAdd, .addend = lowered.steps[1].target}));
}

// An activation behind a concatenation moves before it, once for each part, under a name of its
// own: two of them may put the same names together.
TEST(Lowering, GivesMovedActivationsNamesOfTheirOwn) {
  Graph graph;
  const NodeId image = graph.add("image", graph::Input{3}, {});
  for (const auto& [relu, part] : {std::pair{"r", "x/y"}, {"r/x", "y"}}) {
    const NodeId first = graph.add(part, graph::Convolution{.out_channels = 4}, {image});
    const NodeId second =
        graph.add(std::string(part) + " too", graph::Convolution{.out_channels = 4}, {image});
    const NodeId both = graph.add(std::string(relu) + " of", graph::Concat{}, {first, second});
    graph.add_output(std::string(relu) + " out", graph.add(relu, graph::LeakyRelu{0.1F}, {both}));
  }
  const LoweredGraph lowered = lower(graph, graph::random_weights(graph, 1), {});
  EXPECT_EQ(lowered.outputs.size(), 2U);
}

TEST(Lowering, LeavesWhatIsReadTwiceApart) {
  Graph graph;
  const NodeId image = graph.add("image", graph::Input{3}, {});
  const NodeId first = conv(graph, "conv", image, 4);
  const NodeId relu = graph.add("relu", LeakyRelu{0}, {first});
  graph.add_output("before", first);
  graph.add_output("after", relu);
  const LoweredGraph lowered = lowered_by_blocks(graph);
  EXPECT_THAT(step_names(lowered), ElementsAre("conv", "relu"));
  EXPECT_THAT(convolution(lowered, 0).post_ops, ElementsAre());
}

TEST(Lowering, MergesConvolutionsThatReadTheSame) {
  Graph graph;
  const NodeId image = graph.add("image", graph::Input{3}, {});
  graph.add_output("a", conv(graph, "a", image, 4));
  graph.add_output("b", conv(graph, "b", image, 8));
  graph.add_output("c", conv(graph, "c", image, 20));
  graph.add_output("wide", conv(graph, "wide", image, 4, 3));  // another kernel: on its own
  const LoweredGraph lowered = lowered_by_blocks(graph);
  ASSERT_EQ(lowered.steps.size(), 2U);
  EXPECT_EQ(convolution(lowered, 0).convolution.out_channels, 32);
  EXPECT_THAT(convolution(lowered, 0).weight.shape, ElementsAre(32, 3, 1, 1));
  const std::int64_t firsts[] = {0, 4, 12};
  const std::int64_t channels[] = {4, 8, 20};
  for (std::size_t i = 0; i < 3; ++i) {
    const Value& value = lowered.values[static_cast<std::size_t>(lowered.outputs[i])];
    EXPECT_EQ(value.parent, lowered.steps[0].target);
    EXPECT_EQ(value.first_channel, firsts[i]);
    EXPECT_EQ(value.channels, channels[i]);
  }
}

TEST(Lowering, MergedConvolutionsThatAreReadOnStartAtABlock) {
  Graph graph;
  const NodeId image = graph.add("image", graph::Input{3}, {});
  const NodeId a = conv(graph, "a", image, 8);
  const NodeId b = conv(graph, "b", image, 8);
  graph.add_output("on_a", conv(graph, "on_a", a, 4));
  graph.add_output("on_b", conv(graph, "on_b", b, 4));
  for (const std::int64_t block : {8, 16}) {
    const LoweredGraph lowered = lowered_by_blocks(graph, block);
    ASSERT_EQ(lowered.steps.size(), 3U);
    const auto& merged = std::get<ConvolutionStep>(lowered.steps[0].op);
    EXPECT_EQ(merged.convolution.out_channels, block + 8);
    const Value& second = lowered.values[static_cast<std::size_t>(lowered.steps[2].sources[0])];
    EXPECT_EQ(second.parent, lowered.steps[0].target);
    EXPECT_EQ(second.first_channel, block);
    // What fills up the block is 0.
    const std::size_t per_channel =
        merged.weight.values().size() / static_cast<std::size_t>(block + 8);
    for (std::size_t i = 8 * per_channel; i < static_cast<std::size_t>(block) * per_channel; ++i) {
      ASSERT_EQ(merged.weight.values()[i], 0);
    }
  }
}

TEST(Lowering, WritesConcatenationsInPlace) {
  const auto graph_of = [](std::int64_t first_part) {
    Graph graph;
    const NodeId image = graph.add("image", graph::Input{3}, {});
    const NodeId a = conv(graph, "a", image, first_part, 1);
    const NodeId b = conv(graph, "b", image, 16, 3);
    const NodeId both = graph.add("both", graph::Concat{}, {a, b});
    graph.add_output("out", graph.add("relu", LeakyRelu{0}, {both}));
    return graph;
  };
  const LoweredGraph placed = lowered_by_blocks(graph_of(32));
  EXPECT_EQ(placed.steps.size(), 2U);  // the ReLU went into the parts, the concatenation is gone
  const ValueId whole = placed.outputs[0];
  EXPECT_EQ(placed.values[static_cast<std::size_t>(whole)].channels, 48);
  for (const Step& step : placed.steps) {
    EXPECT_EQ(std::get<ConvolutionStep>(step.op).post_ops.size(), 1U);
    EXPECT_EQ(placed.values[static_cast<std::size_t>(step.target)].parent, whole);
  }
  EXPECT_EQ(placed.values[static_cast<std::size_t>(placed.steps[1].target)].first_channel, 32);
  EXPECT_EQ(lowered_by_blocks(graph_of(20)).steps.size(), 3U);  // b would start inside a block
}

TEST(Lowering, WritesEachValueBeforeItIsRead) {
  for (const char* const name : {"mnet025", "resnet18", "resnet18+dcn+shared-heads"}) {
    const Graph graph = models::find_model(name).network.build();
    const LoweredGraph lowered = lowered_by_blocks(graph);
    std::vector<bool> written(lowered.values.size(), false);
    written[0] = true;
    const auto readable = [&](ValueId id) {
      for (; id != kNoValue; id = lowered.values[static_cast<std::size_t>(id)].parent) {
        if (written[static_cast<std::size_t>(id)]) return true;
      }
      // A concatenation written in place is there once all of its parts are.
      return false;
    };
    const auto parts_readable = [&](ValueId id) {
      if (readable(id)) return true;
      std::int64_t channels = 0;
      for (std::size_t i = 0; i < lowered.values.size(); ++i) {
        const Value& value = lowered.values[i];
        if (value.parent == id && written[i]) channels += value.channels;
      }
      return channels == lowered.values[static_cast<std::size_t>(id)].channels;
    };
    for (const Step& step : lowered.steps) {
      for (const ValueId source : step.sources) EXPECT_TRUE(parts_readable(source)) << step.name;
      if (const auto* c = std::get_if<ConvolutionStep>(&step.op)) {
        for (const PostOp& op : c->post_ops) {
          if (op.kind != PostOp::Kind::kAdd) continue;
          EXPECT_TRUE(parts_readable(op.addend)) << step.name;
        }
      }
      written[static_cast<std::size_t>(step.target)] = true;
    }
    for (const ValueId output : lowered.outputs) EXPECT_TRUE(parts_readable(output));
  }
}

}  // namespace
}  // namespace retinaface::runtime
