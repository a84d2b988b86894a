#include "runtime/backends/backends.h"

#include <algorithm>
#include <cmath>
#include <memory>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "models/catalogue.h"
#include "runtime/backends/compare.h"
#include "runtime/reference/reference.h"
#include "runtime/testing.h"
#include "support/testing.h"

namespace retinaface::runtime {
namespace {

using retinaface::testing::error_of;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using testing::lively_weights;
using testing::outputs_for_noise;

/// A convolution, then a pooling of its map.
graph::Graph pooled() {
  graph::Graph graph;
  const auto image = graph.add("image", graph::Input{3}, {});
  const auto conv = graph.add(
      "conv", graph::Convolution{.out_channels = 4, .kernel = 3, .padding = 1, .bias = true},
      {image});
  graph.add_output("map", conv);
  graph.add_output("pooled", graph.add("pool", graph::MaxPool{}, {conv}));
  return graph;
}

/// A backend that computes as the reference does, a number added to all weights; it lacks pooling
/// where `pools` is false.
Backend made_up(const std::string& name, int priority, float added = 0, bool pools = true) {
  Backend backend = reference_backend();
  backend.name = name;
  backend.priority = priority;
  backend.supports = [pools](const graph::Operator& op) {
    return pools || !std::holds_alternative<graph::MaxPool>(op);
  };
  backend.create = [added](const graph::Graph& graph, const graph::Weights& weights,
                           const NetworkOptions&) {
    graph::Weights moved;
    for (const auto& [key, tensor] : weights.tensors) {
      graph::Tensor copy = tensor.clone();
      for (float& value : copy.values()) value += added;
      moved.tensors.emplace(key, std::move(copy));
    }
    return make_reference_network(graph, moved);
  };
  return backend;
}

std::vector<std::string> names(const BackendRegistry& registry) {
  std::vector<std::string> result;
  for (const Backend& backend : registry.backends()) result.push_back(backend.name);
  return result;
}

TEST(Backends, AreListedByFallingPriority) {
  EXPECT_THAT(names(backends()), ElementsAre("cpu", "reference", "compare"));
  BackendRegistry registry({made_up("slow", 1), made_up("named", 0)});
  registry.add(made_up("fast", 9));
  EXPECT_THAT(names(registry), ElementsAre("fast", "slow", "named"));
}

TEST(Backends, EachComputesWhatTheReferenceDoes) {
  const graph::Graph graph = models::find_model("mnet025").network.build();
  const graph::Weights weights = lively_weights(graph, 1);
  const auto expected =
      outputs_for_noise(graph, *make_reference_network(graph, weights)->new_session(), 33, 50, 2);
  for (const Backend& backend : backends().backends()) {
    const auto network = backends().make(graph, weights, backend.name);
    const auto actual = outputs_for_noise(graph, *network->new_session(), 33, 50, 2);
    ASSERT_EQ(actual.size(), expected.size()) << backend.name;
    for (std::size_t i = 0; i < actual.size(); ++i) {
      EXPECT_LT(testing::relative_difference(actual[i], expected[i]), 1e-4)
          << backend.name << " " << graph.outputs()[i].name;
    }
  }
}

TEST(Backends, AnUnknownNameIsAnErrorThatListsThem) {
  const Error error = error_of([] { backends().make(pooled(), {}, "gpu"); });
  EXPECT_EQ(error.code(), ErrorCode::kNotFound);
  EXPECT_THAT(error.what(), AllOf(HasSubstr("'gpu'"), HasSubstr("cpu, reference, compare")));
}

TEST(Backends, WhatFollowsANameThatTakesNothingIsRefused) {
  const Error error = error_of([] { backends().make(pooled(), {}, "cpu:2"); });
  EXPECT_EQ(error.code(), ErrorCode::kInvalidArgument);
  EXPECT_THAT(error.what(), AllOf(HasSubstr("cpu"), HasSubstr("':2'")));
}

TEST(Backends, AnOperatorThatIsLackingIsNamedWithItsNode) {
  const graph::Graph graph = pooled();
  const BackendRegistry registry({made_up("bare", 5, 0, false)});
  for (const char* const name : {"bare", ""}) {
    const Error error = error_of([&] { registry.make(graph, lively_weights(graph, 1), name); });
    EXPECT_EQ(error.code(), ErrorCode::kUnsupported);
    EXPECT_THAT(error.what(), AllOf(HasSubstr("bare"), HasSubstr("MaxPool"), HasSubstr("pool")));
  }
}

TEST(Backends, TheFirstThatCanRunsWhatNamesNone) {
  const graph::Graph graph = pooled();
  const graph::Weights weights = lively_weights(graph, 1);
  const BackendRegistry registry(
      {made_up("asked", 0), made_up("bare", 5, 1, false), made_up("whole", 3, 2)});
  const auto run = [&](const std::string& name) {
    return outputs_for_noise(graph, *registry.make(graph, weights, name)->new_session(), 6, 6, 1);
  };
  EXPECT_EQ(run(""), run("whole"));
  EXPECT_NE(run(""), run("asked"));
}

TEST(Backends, OneThatLacksTheTypeHereLeavesTheNetworkToTheNext) {
  const graph::Graph graph = pooled();
  const graph::Weights weights = lively_weights(graph, 1);
  Backend lacking = made_up("lacking", 5, 1);
  lacking.type_obstacle = [](graph::DataType, const graph::Weights&) { return "calibrate it"; };
  const BackendRegistry registry({lacking, made_up("whole", 3, 2)});
  EXPECT_EQ(registry.first_able(graph, weights, {}).name, "whole");
  EXPECT_NO_THROW(registry.make(graph, weights));
  // Where no other can, what it says is said, and so it is where it is named.
  const Error alone = error_of([&] { BackendRegistry({lacking}).make(graph, weights); });
  EXPECT_EQ(alone.code(), ErrorCode::kUnsupported);
  EXPECT_STREQ(alone.what(), "float32: calibrate it");
  EXPECT_STREQ(error_of([&] { registry.make(graph, weights, "lacking"); }).what(),
               "float32: calibrate it");
}

TEST(Backends, OneTrainsOnDevicesThatDependOnTheBuild) {
  Backend processor = made_up("processor", 5);
  processor.train = [](const graph::Graph&, const graph::Weights&, const TrainableOptions&) {
    return std::unique_ptr<TrainableNetwork>();
  };
  Backend other = processor;
  other.name = "other";
  other.other_device = "cuda";
  Backend runs = made_up("runs", 9);
  runs.other_device = "cuda";
  EXPECT_EQ(BackendRegistry({processor, runs}).trainer_on_other_devices(), nullptr);
  const BackendRegistry registry({processor, runs, other});
  ASSERT_NE(registry.trainer_on_other_devices(), nullptr);
  EXPECT_EQ(registry.trainer_on_other_devices()->name, "other");
}

TEST(Backends, OneTrainsInATypeWhereThatIsFaster) {
  Backend trainer = made_up("trainer", 5);
  trainer.devices = {"cpu", "gpu"};
  trainer.types = {graph::DataType::kFloat32, graph::DataType::kBFloat16};
  trainer.train = [](const graph::Graph&, const graph::Weights&, const TrainableOptions&) {
    return std::unique_ptr<TrainableNetwork>();
  };
  const auto type_on = [&](const char* device) {
    return BackendRegistry({trainer}).training_type(graph::DataType::kBFloat16, "", device);
  };
  EXPECT_EQ(type_on("gpu"), graph::DataType::kFloat32);
  trainer.is_faster = [](graph::DataType type, std::string_view device) {
    return type == graph::DataType::kBFloat16 && device == "gpu";
  };
  EXPECT_EQ(type_on("gpu"), graph::DataType::kBFloat16);
  EXPECT_EQ(type_on("cpu"), graph::DataType::kFloat32);
  EXPECT_EQ(error_of([&] { type_on("abacus"); }).code(), ErrorCode::kUnsupported);

  const graph::Graph graph = pooled();
  const auto make = [&](graph::DataType type) {
    BackendRegistry({trainer}).make_trainable(graph, {}, "", {.type = type});
  };
  EXPECT_NO_THROW(make(graph::DataType::kBFloat16));
  const Error error = error_of([&] { make(graph::DataType::kInt8); });
  EXPECT_EQ(error.code(), ErrorCode::kUnsupported);
  EXPECT_STREQ(error.what(), "backend trainer: computes in float32, bfloat16, not in int8");
}

TEST(Backends, OfPriorityZeroRunOnlyWhenNamed) {
  const graph::Graph graph = pooled();
  const BackendRegistry registry({made_up("asked", 0)});
  const graph::Weights weights = lively_weights(graph, 1);
  EXPECT_NO_THROW(registry.make(graph, weights, "asked"));
  const Error error = error_of([&] { registry.make(graph, weights); });
  EXPECT_EQ(error.code(), ErrorCode::kUnsupported);
  EXPECT_THAT(error.what(), HasSubstr("asked"));
}

TEST(Backends, OtherTypesDevicesAndThreadsAreRefusedInOneLine) {
  const graph::Graph graph = pooled();
  const graph::Weights weights = lively_weights(graph, 1);
  const auto complaint = [&](const NetworkOptions& options) {
    const Error error = error_of([&] { backends().make(graph, weights, "cpu", options); });
    EXPECT_EQ(error.code(), ErrorCode::kUnsupported);
    EXPECT_EQ(std::string(error.what()).find('\n'), std::string::npos);
    return std::string(error.what());
  };
  EXPECT_THAT(complaint({.type = graph::DataType::kFloat16}),
              HasSubstr("computes in float32, bfloat16, int8, not in float16"));
  EXPECT_THAT(complaint({.device = "cuda"}), HasSubstr("runs on the device cpu, not on cuda"));
  EXPECT_THAT(complaint({.threads = 2}), HasSubstr("1 to 1 threads"));
}

TEST(Compare, TellsTheLargestDifferenceOfEachOutput) {
  const graph::Graph graph = pooled();
  graph::Weights weights = lively_weights(graph, 1);
  // With no weights but the biases, the outputs are the biases.
  std::ranges::fill(weights.tensors.at("conv.weight").values(), 0.0F);
  std::ranges::copy(std::vector<float>{1, -4, 2, 3},
                    weights.tensors.at("conv.bias").values().begin());
  BackendRegistry registry({made_up("exact", 5)});
  Backend biased = made_up("biased", 4);
  biased.create = [](const graph::Graph& g, const graph::Weights& w, const NetworkOptions&) {
    graph::Weights moved;
    for (const auto& [key, tensor] : w.tensors) moved.tensors.emplace(key, tensor.clone());
    moved.tensors.at("conv.bias").values()[2] += 0.5F;
    return make_reference_network(g, moved);
  };
  registry.add(std::move(biased));
  registry.add(compare_backend([&]() -> const BackendRegistry& { return registry; }));

  const auto network = registry.make(graph, weights, "compare:exact,biased");
  for (const OutputDifference& difference : network->differences()) {
    EXPECT_EQ(difference.absolute, 0) << difference.output;  // nothing has run
  }
  const auto outputs = outputs_for_noise(graph, *network->new_session(), 6, 8, 1);
  EXPECT_EQ(outputs[0][2 * 6 * 8], 2);  // the first one's
  const std::vector<OutputDifference> differences = network->differences();
  ASSERT_EQ(differences.size(), 2U);
  EXPECT_EQ(differences[0].output, "map");
  EXPECT_EQ(differences[1].output, "pooled");
  for (const OutputDifference& difference : differences) {
    EXPECT_DOUBLE_EQ(difference.absolute, 0.5) << difference.output;
    EXPECT_DOUBLE_EQ(difference.relative, 0.5 / 4) << difference.output;
  }
  // Without names: the first and the last.
  EXPECT_EQ(
      outputs_for_noise(graph, *registry.make(graph, weights, "compare")->new_session(), 6, 8, 1),
      outputs);
}

TEST(Compare, SeesEveryImageOfABatch) {
  const graph::Graph graph = pooled();
  const graph::Weights weights = lively_weights(graph, 1);
  BackendRegistry registry({made_up("exact", 5), made_up("other", 4, 0.25F)});
  registry.add(compare_backend([&]() -> const BackendRegistry& { return registry; }));
  const auto network = registry.make(graph, weights, "compare");
  const auto session = network->new_session();
  const InputMap input = session->input(2, 4, 4);
  std::ranges::fill(input.image(0), 0.0F);
  std::ranges::fill(input.image(1), 8.0F);
  session->run();
  // Of the first image the biases differ alone, by 0.25.
  EXPECT_GT(network->differences()[0].absolute, 8);
  EXPECT_EQ(session->output(0).images, 2);
}

TEST(Compare, CallsWhatIsNotANumberInfinitelyFarOff) {
  const graph::Graph graph = pooled();
  const graph::Weights weights = lively_weights(graph, 1);
  BackendRegistry registry({made_up("exact", 5), made_up("broken", 4, NAN)});
  registry.add(compare_backend([&]() -> const BackendRegistry& { return registry; }));
  const auto network = registry.make(graph, weights, "compare:exact,broken");
  outputs_for_noise(graph, *network->new_session(), 4, 4, 1);
  EXPECT_TRUE(std::isinf(network->differences()[0].absolute));
}

TEST(Compare, TakesTwoOtherBackends) {
  const graph::Graph graph = pooled();
  const graph::Weights weights = lively_weights(graph, 1);
  for (const char* const name : {"compare:cpu", "compare:compare,cpu", "compare:cpu,compare"}) {
    const Error error = error_of([&] { backends().make(graph, weights, name); });
    EXPECT_EQ(error.code(), ErrorCode::kInvalidArgument) << name;
  }
  EXPECT_EQ(error_of([&] { backends().make(graph, weights, "compare:cpu,gpu"); }).code(),
            ErrorCode::kNotFound);
  EXPECT_THAT(backends().make(graph, weights, "cpu")->differences(), IsEmpty());
}

}  // namespace
}  // namespace retinaface::runtime
