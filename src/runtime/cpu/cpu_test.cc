#include "runtime/cpu/cpu.h"

#include <functional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "models/catalogue.h"
#include "models/load_model.h"
#include "runtime/kernels/kernels.h"
#include "runtime/reference/reference.h"
#include "runtime/testing.h"
#include "support/testing.h"

namespace retinaface::runtime {
namespace {

using graph::Graph;
using graph::NodeId;
using retinaface::testing::error_of;
using testing::lively_weights;
using testing::outputs_for_noise;
using testing::relative_difference;

constexpr double kTolerance = 1e-4;

void expect_equal_to_reference(const Graph& graph, const graph::Weights& weights,
                               std::int64_t height, std::int64_t width) {
  const auto fast = make_cpu_network(graph, weights);
  const auto slow = make_reference_network(graph, weights);
  const auto actual = outputs_for_noise(graph, *fast->new_session(), height, width, 7);
  const auto expected = outputs_for_noise(graph, *slow->new_session(), height, width, 7);
  ASSERT_EQ(actual.size(), expected.size());
  for (std::size_t i = 0; i < expected.size(); ++i) {
    EXPECT_LT(relative_difference(actual[i], expected[i]), kTolerance)
        << graph.outputs()[i].name << " at " << width << "x" << height;
  }
}

TEST(Cpu, TheCataloguesRowsEqualTheReference) {
  for (const models::Model& model : models::catalogue()) {
    // The options are the same on all backbones, and the largest one has only more of the same.
    const bool option = model.name.find('+') != std::string::npos;
    if ((option && !model.name.starts_with("resnet18")) || model.name.starts_with("resnet152")) {
      continue;
    }
    SCOPED_TRACE(model.name);
    const Graph graph = model.network.build();
    graph::Weights weights = lively_weights(graph, 2);
    testing::weaken_offsets(weights);
    expect_equal_to_reference(graph, weights, 35, 50);
  }
}

/// What products round accumulates over the layers, which random weights do not damp as learnt
/// ones.
TEST(Cpu, TheCataloguesRowsInBfloat16AreNearTheReference) {
  if (kernels::best(graph::DataType::kBFloat16) == nullptr) {
    GTEST_SKIP() << "this processor lacks AVX512-BF16";
  }
  for (const char* const name : {"mnet025", "shallow-700m", "resnet18", "resnet50"}) {
    const Graph graph = models::find_model(name).network.build();
    const graph::Weights weights = lively_weights(graph, 2);
    const auto fast = cpu_backend().create(graph, weights, {.type = graph::DataType::kBFloat16});
    const auto slow = make_reference_network(graph, weights);
    const auto actual = outputs_for_noise(graph, *fast->new_session(), 35, 50, 7);
    const auto expected = outputs_for_noise(graph, *slow->new_session(), 35, 50, 7);
    for (std::size_t i = 0; i < expected.size(); ++i) {
      EXPECT_LT(relative_difference(actual[i], expected[i]), 0.06) << name << " " << i;
    }
  }
}

TEST(Cpu, EqualsTheReferenceOnOddSizes) {
  const models::Model& model = models::find_model("mnet025");
  const Graph graph = model.network.build();
  const graph::Weights weights = lively_weights(graph, 1);
  for (const auto& [height, width] :
       {std::pair{1, 1}, {1, 37}, {33, 1}, {31, 47}, {64, 64}, {97, 161}, {120, 50}}) {
    expect_equal_to_reference(graph, weights, height, width);
  }
}

TEST(Cpu, TrainedWeightsEqualTheReference) {
  const models::LoadedModel model = models::load_builtin_model(models::kDefaultModel);
  expect_equal_to_reference(model.graph, model.weights, 75, 101);
}

/// Operators and fusions that the catalogue's networks do not have.
TEST(Cpu, EveryOperatorAndOrderOfFusionEqualsTheReference) {
  Graph graph;
  const auto conv = [&](const std::string& name, NodeId input, std::int64_t channels,
                        std::int64_t kernel, std::int64_t stride = 1) {
    return graph.add(name,
                     graph::Convolution{.out_channels = channels,
                                        .kernel = kernel,
                                        .stride = stride,
                                        .padding = kernel / 2,
                                        .bias = true},
                     {input});
  };
  const NodeId image = graph.add("image", graph::Input{3}, {});
  const NodeId stem = conv("stem", image, 48, 7, 2);
  const NodeId pool = graph.add("pool", graph::MaxPool{3, 2, 1}, {stem});
  const NodeId norm = graph.add("norm", graph::BatchNorm{}, {pool});  // not after a convolution
  const NodeId main = conv("main", norm, 48, 3);
  const NodeId sum = graph.add("sum", graph::Add{}, {main, norm});  // residual, then activation
  const NodeId relu = graph.add("relu", graph::LeakyRelu{0.25F}, {sum});
  const NodeId twice = graph.add("twice", graph::Add{}, {relu, relu});
  const NodeId alone = graph.add("alone", graph::LeakyRelu{0.1F}, {twice});
  const NodeId odd = conv("odd", alone, 20, 3);  // parts that start inside a block
  const NodeId even = conv("even", alone, 32, 3);
  const NodeId unaligned = graph.add("unaligned", graph::Concat{}, {odd, even});
  const NodeId unaligned_relu = graph.add("unaligned_relu", graph::LeakyRelu{0}, {unaligned});
  const NodeId aligned = graph.add("aligned", graph::Concat{}, {even, odd, alone});
  const NodeId down = conv("down", aligned, 20, 3, 2);
  const NodeId up = graph.add("up", graph::UpsampleLike{}, {down, odd});
  const NodeId up_sum = graph.add("up_sum", graph::Add{}, {odd, up});
  graph.add_output("a", unaligned_relu);
  graph.add_output("b", up_sum);
  graph.add_output("c", conv("head1", relu, 5, 1));
  graph.add_output("d", conv("head2", relu, 7, 1));
  graph.add_output("e", alone);

  const graph::Weights weights = lively_weights(graph, 3);
  for (const auto& [height, width] : {std::pair{9, 9}, {40, 33}, {61, 18}}) {
    expect_equal_to_reference(graph, weights, height, width);
  }
}

/// What lies in a map that another is added to, in place, is read later by itself.
TEST(Cpu, APartOfAMapThatIsAddedToStaysWhatItWas) {
  Graph graph;
  const auto conv = [&](const std::string& name, NodeId input, std::int64_t channels,
                        std::int64_t stride = 1) {
    return graph.add(
        name,
        graph::Convolution{.out_channels = channels, .kernel = 3, .stride = stride, .padding = 1},
        {input});
  };
  const NodeId image = graph.add("image", graph::Input{3}, {});
  const NodeId stem = conv("stem", image, 32);
  const NodeId a = conv("a", stem, 32);
  const NodeId whole = graph.add("whole", graph::Concat{}, {a, conv("b", stem, 32)});
  const NodeId up = graph.add("up", graph::UpsampleLike{}, {conv("down", stem, 64, 2), whole});
  graph.add_output("sum", graph.add("sum", graph::Add{}, {whole, up}));
  graph.add_output("later", conv("later", a, 16));
  expect_equal_to_reference(graph, lively_weights(graph, 4), 21, 34);
}

/// One part twice, and a node with the name that the moved activation would have.
TEST(Cpu, AnActivationBehindAConcatenationOfOnePartTwiceEqualsTheReference) {
  Graph graph;
  const NodeId image = graph.add("image", graph::Input{3}, {});
  const NodeId a = graph.add("a", graph::Convolution{.out_channels = 32}, {image});
  const NodeId taken = graph.add("relu/a", graph::Convolution{.out_channels = 16}, {a});
  const NodeId twice = graph.add("twice", graph::Concat{}, {a, a});
  graph.add_output("out", graph.add("relu", graph::LeakyRelu{0.2F}, {twice}));
  graph.add_output("taken", taken);
  expect_equal_to_reference(graph, lively_weights(graph, 5), 9, 13);
}

Graph deformable_layers(std::int64_t stride, float slope) {
  Graph graph;
  const NodeId image = graph.add("image", graph::Input{3}, {});
  const NodeId stem =
      graph.add("stem", graph::Convolution{.out_channels = 40, .kernel = 3, .padding = 1}, {image});
  NodeId map = stem;
  for (const char* const name : {"one", "two"}) {
    const graph::DeformableConvolution conv = {.out_channels = 48, .stride = stride};
    const NodeId offset = graph.add(std::string(name) + ".offset",
                                    graph::Convolution{.out_channels = conv.offset_channels(),
                                                       .kernel = 3,
                                                       .stride = stride,
                                                       .padding = 1,
                                                       .bias = true},
                                    {map});
    map = graph.add(name, conv, {map, offset});
    map = graph.add(std::string(name) + ".norm", graph::BatchNorm{}, {map});
    map = graph.add(std::string(name) + ".relu", graph::LeakyRelu{slope}, {map});
    map = graph.add(std::string(name) + ".again", graph::LeakyRelu{0.5F}, {map});
  }
  graph.add_output("out", map);
  return graph;
}

/// What other people's networks have beyond ours, with channels that fill no block.
Graph imported_operators() {
  Graph graph;
  const NodeId image = graph.add("image", graph::Input{3}, {});
  const auto conv = [&](const std::string& name, NodeId from, std::int64_t channels,
                        std::int64_t stride = 1) {
    return graph.add(
        name,
        graph::Convolution{
            .out_channels = channels, .kernel = 3, .stride = stride, .padding = 1, .bias = true},
        {from});
  };
  const auto output = [&](const std::string& name, const graph::Operator& op,
                          std::vector<NodeId> inputs) {
    const NodeId node = graph.add(name, op, std::move(inputs));
    graph.add_output(name, node);
    return node;
  };
  const NodeId a = conv("a", image, 20, 2);
  const NodeId b = conv("b", image, 20, 2);
  output("prelu", graph::PRelu{}, {conv("fused", a, 32)});  // by a kernel of ours
  output("prelu.library", graph::PRelu{}, {conv("strided", a, 20, 2)});
  output("prelu.alone", graph::PRelu{}, {graph.add("pooled", graph::MaxPool{}, {a})});
  output("max", graph::MaxPool{3, 2, 0, true}, {a});
  output("max.padded", graph::MaxPool{3, 2, 1, true}, {a});
  output("average", graph::AveragePool{2, 2, 0, true}, {a});
  output("average.padded", graph::AveragePool{3, 2, 1, false}, {a});
  output("sigmoid", graph::Sigmoid{}, {a});
  output("softmax", graph::Softmax{.channels = 2}, {a});
  output("softmax.all", graph::Softmax{.channels = 20}, {a});
  output("clip", graph::Clip{-0.25F, 0.5F}, {a});
  output("pad", graph::Pad{1, 0, 2, 3, 0.5F}, {a});
  output("pad.left", graph::Pad{0, 2, 0, 0, 0}, {a});
  const NodeId places = graph.add("places", graph::Convolution{.out_channels = 2, .bias = true},
                                  {graph.add("pooled.twice", graph::MaxPool{}, {a})});
  for (const bool nearest : {false, true}) {
    for (const bool border : {false, true}) {
      for (const bool corners : {false, true}) {
        output(fmt::format("grid.{:d}{:d}{:d}", nearest, border, corners),
               graph::GridSample{nearest, border, corners}, {a, places});
      }
    }
  }
  using Kind = graph::Arithmetic::Kind;
  output("subtract", graph::Arithmetic{Kind::kSubtract}, {a, b});
  const NodeId gate =
      output("gate", graph::Sigmoid{}, {graph.add("mean", graph::GlobalAveragePool{}, {a})});
  output("multiply", graph::Arithmetic{Kind::kMultiply}, {a, gate});
  output("divide", graph::Arithmetic{Kind::kDivide}, {a, gate});
  output("chain", graph::PRelu{}, {graph.add("sum", graph::Add{}, {conv("c", a, 20), b})});
  return graph;
}

TEST(Cpu, TheOperatorsOfImportedNetworksEqualTheReference) {
  const Graph graph = imported_operators();
  graph::Weights weights = lively_weights(graph, 3);
  // Slopes below 0 and over 1 too, which max(x, slope x) would get wrong.
  for (auto& [name, tensor] : weights.tensors) {
    if (!name.starts_with("prelu") && !name.starts_with("chain")) continue;
    for (std::size_t c = 0; c < tensor.size(); ++c) {
      tensor.values()[c] = -1 + 0.25F * static_cast<float>(c % 12);
    }
  }
  for (const auto& [height, width] : {std::pair{6, 6}, {7, 12}, {23, 9}, {32, 40}}) {
    expect_equal_to_reference(graph, weights, height, width);
  }
}

TEST(Cpu, WhatReadsTheImageItselfEqualsTheReference) {
  const std::vector<std::pair<const char*, graph::Operator>> alone = {
      {"norm", graph::BatchNorm{}},
      {"relu", graph::LeakyRelu{0.1F}},
      {"prelu", graph::PRelu{}},
      {"sigmoid", graph::Sigmoid{}},
      {"softmax", graph::Softmax{3}},
      {"clip", graph::Clip{-0.5F, 0.25F}},
      {"max", graph::MaxPool{}},
      {"average", graph::AveragePool{}},
      {"mean", graph::GlobalAveragePool{}},
      {"pad", graph::Pad{1, 2, 0, 3, 0.5F}}};
  const std::vector<std::pair<const char*, graph::Operator>> two = {
      {"add", graph::Add{}},
      {"concat", graph::Concat{}},
      {"multiply", graph::Arithmetic{graph::Arithmetic::Kind::kMultiply}}};
  const auto check = [](const char* name, const std::function<NodeId(Graph&, NodeId)>& add) {
    SCOPED_TRACE(name);
    Graph graph;
    const NodeId image = graph.add("image", graph::Input{3}, {});
    graph.add_output("own", add(graph, image));
    graph.add_output("after", graph.add("after", graph::Convolution{.out_channels = 5}, {1}));
    const graph::Weights weights = lively_weights(graph, 2);
    for (const auto& [height, width] : {std::pair{6, 6}, {7, 12}}) {
      expect_equal_to_reference(graph, weights, height, width);
    }
  };
  for (const auto& [name, op] : alone) {
    check(name, [&](Graph& graph, NodeId image) { return graph.add("op", op, {image}); });
  }
  for (const auto& [name, op] : two) {
    check(name, [&](Graph& graph, NodeId image) { return graph.add("op", op, {image, image}); });
  }
  check("upsample", [](Graph& graph, NodeId image) {
    const NodeId half = graph.add("half", graph::MaxPool{}, {image});
    return graph.add("op", graph::UpsampleLike{}, {image, half});
  });
  check("grid", [](Graph& graph, NodeId image) {
    const NodeId places = graph.add("places", graph::Convolution{.out_channels = 2}, {image});
    return graph.add("op", graph::GridSample{}, {image, places});
  });
  check("depthwise and pointwise", [](Graph& graph, NodeId image) {
    const NodeId depthwise = graph.add(
        "depthwise", graph::Convolution{.out_channels = 3, .kernel = 3, .padding = 1, .groups = 3},
        {image});
    return graph.add("op", graph::Convolution{.out_channels = 16}, {depthwise});
  });
  check("sum after a convolution", [](Graph& graph, NodeId image) {
    const NodeId conv = graph.add("conv", graph::Convolution{.out_channels = 3}, {image});
    return graph.add("op", graph::Add{}, {conv, image});
  });
}

TEST(Cpu, ADeformableConvolutionOfTheImageItselfIsRefused) {
  Graph graph;
  const NodeId image = graph.add("image", graph::Input{3}, {});
  const NodeId offsets = graph.add(
      "offsets", graph::Convolution{.out_channels = 27, .kernel = 3, .padding = 1}, {image});
  graph.add_output(
      "out", graph.add("bent", graph::DeformableConvolution{.out_channels = 16}, {image, offsets}));
  const Error error =
      error_of([&] { make_cpu_network(graph, lively_weights(graph, 1))->new_session(); });
  EXPECT_EQ(error.code(), ErrorCode::kUnsupported);
  EXPECT_STREQ(error.what(), "layer bent: a deformable convolution that reads the image itself");
}

TEST(Cpu, DeformableConvolutionsEqualTheReference) {
  for (const std::int64_t stride : {1, 2}) {
    const Graph graph = deformable_layers(stride, 0.1F);
    const graph::Weights weights = lively_weights(graph, 4);
    for (const auto& [height, width] : {std::pair{1, 1}, {1, 9}, {13, 1}, {17, 22}, {40, 31}}) {
      expect_equal_to_reference(graph, weights, height, width);
    }
  }
}

TEST(Cpu, OffsetsFarOutsideReadZero) {
  const Graph graph = deformable_layers(1, 0);
  for (const float far : {1e3F, -1e3F, 3e9F, -3e9F, 1e30F}) {
    graph::Weights weights = lively_weights(graph, 4);
    std::ranges::fill(weights.tensors.at("two.offset.bias").values(), far);
    expect_equal_to_reference(graph, weights, 11, 14);
  }
}

/// A freshly started deformable network is the plain one.
TEST(Cpu, DeformableConvolutionsWithZeroOffsetsEqualPlainOnes) {
  const Graph deformable = models::find_model("resnet18+dcn").network.build();
  const Graph plain = models::find_model("resnet18").network.build();
  graph::Weights weights = graph::random_weights(deformable, 1);
  const auto deformable_outputs = outputs_for_noise(
      deformable, *make_cpu_network(deformable, weights)->new_session(), 65, 98, 3);
  std::erase_if(weights.tensors, [](const auto& entry) {
    return entry.first.find(".offset.") != std::string::npos;
  });
  const auto plain_outputs =
      outputs_for_noise(plain, *make_cpu_network(plain, weights)->new_session(), 65, 98, 3);
  ASSERT_EQ(deformable_outputs.size(), plain_outputs.size());
  for (std::size_t i = 0; i < plain_outputs.size(); ++i) {
    EXPECT_LT(relative_difference(deformable_outputs[i], plain_outputs[i]), kTolerance) << i;
  }
}

TEST(Cpu, NoLayerFallsBackToASlowKernel) {
#if defined(__x86_64__)
  const auto names = {"mnet025", "mnet025-light", "resnet18+dcn", "resnet50-public"};
#else  // what our kernels do not cover, oneDNN computes by plain loops there
  const auto names = {"mnet025"};
#endif
  for (const char* const name : names) {
    const Graph graph = models::find_model(name).network.build();
    const auto network = make_cpu_network(graph, graph::random_weights(graph, 1));
    for (const auto& [height, width] : {std::pair{480, 640}, {1080, 1920}, {431, 333}}) {
      for (const StepInfo& step : describe_plan(*network, height, width)) {
        EXPECT_EQ(step.implementation.find("ref"), std::string::npos)
            << name << " " << step.name << ": " << step.implementation;
      }
    }
  }
}

TEST(Cpu, ASessionFollowsChangesOfSize) {
  const models::Model& model = models::find_model("mnet025");
  const Graph graph = model.network.build();
  const auto network = make_cpu_network(graph, lively_weights(graph, 1));
  const auto session = network->new_session();
  const auto first = outputs_for_noise(graph, *session, 40, 56, 5);
  for (int side = 32; side < 32 + 12; ++side) {  // more sizes than plans are kept
    outputs_for_noise(graph, *session, side, 64, 5);
  }
  EXPECT_EQ(outputs_for_noise(graph, *session, 40, 56, 5), first);
}

TEST(Cpu, ABatchGivesWhatItsImagesGiveAlone) {
  const Graph graph = models::find_model("mnet025").network.build();
  const auto network = make_cpu_network(graph, lively_weights(graph, 1));
  EXPECT_EQ(testing::outputs_changed_by_batching(graph, *network, 3, 40, 57), 0);
  // Outputs that start within a block, beside others.
  Graph small;
  const NodeId image = small.add("image", graph::Input{3}, {});
  for (const std::int64_t channels : {5, 7, 22}) {
    const std::string name = "head" + std::to_string(channels);
    small.add_output(
        name, small.add(name, graph::Convolution{.out_channels = channels, .bias = true}, {image}));
  }
  const auto small_network = make_cpu_network(small, lively_weights(small, 1));
  EXPECT_EQ(testing::outputs_changed_by_batching(small, *small_network, 2, 9, 5), 0);
}

TEST(Cpu, ASessionGoesFromBatchesToSingleImagesAndBack) {
  const Graph graph = models::find_model("mnet025").network.build();
  const auto network = make_cpu_network(graph, lively_weights(graph, 1));
  const auto session = network->new_session();
  const auto first = outputs_for_noise(graph, *session, 40, 56, 5);
  std::ranges::fill(session->input(2, 40, 56).values(), 1.0F);
  session->run();
  EXPECT_EQ(session->output(0).images, 2);
  EXPECT_EQ(outputs_for_noise(graph, *session, 40, 56, 5), first);
}

TEST(Cpu, NarrowWeightsComputeAsTheSameNumbersInFloat32) {
  const Graph graph = models::find_model("resnet18+dcn").network.build();
  const auto [narrow, wide] = testing::narrowed(lively_weights(graph, 6));
  EXPECT_EQ(outputs_for_noise(graph, *make_cpu_network(graph, narrow)->new_session(), 33, 50, 1),
            outputs_for_noise(graph, *make_cpu_network(graph, wide)->new_session(), 33, 50, 1));
}

TEST(CpuThreads, ShareANetworkAndGetTheSameResults) {
  const models::Model& model = models::find_model("mnet025");
  const Graph graph = model.network.build();
  const auto network = make_cpu_network(graph, lively_weights(graph, 1));
  const std::vector<std::pair<int, int>> sizes = {{48, 64}, {64, 48}, {33, 65}};
  std::vector<std::vector<std::vector<float>>> expected;
  for (const auto& [height, width] : sizes) {
    expected.push_back(outputs_for_noise(graph, *network->new_session(), height, width, 9));
  }
  std::vector<std::thread> threads;
  std::vector<int> wrong(4, 0);
  for (std::size_t t = 0; t < wrong.size(); ++t) {
    threads.emplace_back([&, t] {
      const auto session = network->new_session();
      for (std::size_t i = 0; i < 30; ++i) {
        const std::size_t k = (i + t) % sizes.size();
        const auto actual = outputs_for_noise(graph, *session, sizes[k].first, sizes[k].second, 9);
        wrong[t] += actual != expected[k];
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(wrong, std::vector<int>(wrong.size(), 0));
}

}  // namespace
}  // namespace retinaface::runtime
