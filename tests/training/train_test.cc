// `retinaface train` as a user meets it: what a run learns from, and what it leaves.

#include <algorithm>
#include <cmath>
#include <cstring>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <sstream>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "graph/weights.h"
#include "models/catalogue.h"
#include "support/content_of.h"
#include "support/testing.h"
#include "support/torch_writer.h"
#include "support/train_runs.h"

namespace retinaface {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;
using ::testing::AllOf;
using testing::count;
using ::testing::HasSubstr;
using testing::kSmallRecipe;
using testing::losses_of;
using ::testing::Not;
using testing::Train;

TEST_F(Train, EndsEarlyOnTheSameSchedule) {
  ASSERT_EQ(train("small.toml --data data --out whole").exit_code, 0);
  ASSERT_EQ(train("small.toml --data data --out short --steps 7").exit_code, 0);
  auto expected = losses_of(folder_ / "whole/metrics.jsonl");
  ASSERT_EQ(expected.size(), 40U);
  expected.resize(7);
  EXPECT_EQ(losses_of(folder_ / "short/metrics.jsonl"), expected);
  // Asked for more steps, it goes on.
  ASSERT_EQ(train("small.toml --data data --out short --steps 40 --resume").exit_code, 0);
  EXPECT_EQ(losses_of(folder_ / "short/metrics.jsonl"), losses_of(folder_ / "whole/metrics.jsonl"));
}

TEST_F(Train, SaysOnceWhatItGoesWithout) {
  const auto bare = train("small.toml --data data --out bare --steps 2");
  ASSERT_EQ(bare.exit_code, 0) << bare.errors;
  EXPECT_EQ(bare.output, "");
  EXPECT_EQ(count(bare.errors, "no --init"), 1U);
  EXPECT_EQ(count(bare.errors, "no --val"), 1U);
  EXPECT_TRUE(testing::content_of(folder_ / "bare/best.safetensors") ==
              testing::content_of(folder_ / "bare/last.safetensors"));

  const auto full = train(
      "small.toml --data data --out full --steps 2 --val data "
      "--init bare/last.safetensors");
  ASSERT_EQ(full.exit_code, 0) << full.errors;
  EXPECT_THAT(full.errors, AllOf(Not(HasSubstr("no --")), HasSubstr("validated")));
}

TEST_F(Train, TakesFloat32WhereTheProcessorHasNoBfloat16) {
  write("rounded.toml", std::string(kSmallRecipe) + "[compute]\narithmetic = \"bfloat16\"\n");
  constexpr const char* kOlderProcessor = "RETINAFACE_SIMD=avx2";
  const auto rounded =
      train("rounded.toml --data data --out rounded --steps 3 --threads 1", kOlderProcessor);
  ASSERT_EQ(rounded.exit_code, 0) << rounded.errors;
  EXPECT_EQ(count(rounded.errors, "no bfloat16 instructions"), 1U);
  const auto exact =
      train("small.toml --data data --out exact --steps 3 --threads 1", kOlderProcessor);
  ASSERT_EQ(exact.exit_code, 0) << exact.errors;
  EXPECT_THAT(exact.errors, Not(HasSubstr("bfloat16")));
  EXPECT_EQ(losses_of(folder_ / "rounded/metrics.jsonl"),
            losses_of(folder_ / "exact/metrics.jsonl"));
}

/// How many records a TFRecord file has; -1 if its lengths do not add up.
int count_records(const std::string& file) {
  int records = 0;
  std::size_t place = 0;
  while (place + 8 <= file.size()) {
    std::uint64_t length = 0;
    std::memcpy(&length, file.data() + place, sizeof length);
    place += 8 + 4 + length + 4;
    ++records;
  }
  return place == file.size() ? records : -1;
}

TEST_F(Train, EndsWithAReport) {
  const auto result = train("small.toml --data data --val data --out run --steps 4");
  ASSERT_EQ(result.exit_code, 0) << result.errors;
  EXPECT_THAT(result.errors, HasSubstr("run/report/index.html"));
  const std::string page = testing::content_of(folder_ / "run/report/index.html");
  EXPECT_THAT(page, AllOf(HasSubstr("validation: ap"), HasSubstr("learning_rate = 0.001")));
  // What the page shows is there.
  std::size_t images = 0;
  for (std::size_t at = page.find("src=\""); at != std::string::npos;
       at = page.find("src=\"", at + 1)) {
    const std::size_t begin = at + 5;
    const std::string name = page.substr(begin, page.find('"', begin) - begin);
    EXPECT_TRUE(fs::exists(folder_ / "run/report" / name)) << name;
    images += name.ends_with(".jpg") ? 1U : 0U;
  }
  EXPECT_EQ(images, 4U + 6U);  // a batch of training, six of validation
  // One event for each step and validation, and the first one.
  const std::string metrics = testing::content_of(folder_ / "run/metrics.jsonl");
  EXPECT_EQ(count_records(testing::content_of(folder_ / "run/events.out.tfevents.0.retinaface")),
            static_cast<int>(count(metrics, "\n")) + 1);
}

// Of several values each option takes one: what comes after it is the recipe.
TEST_F(Train, TakesTheRecipeAfterAnyOption) {
  for (const char* const arguments :
       {"--teacher mnet025 small.toml --data data", "--data data small.toml",
        "--set input.batch=2 small.toml --data data"}) {
    fs::remove_all(folder_ / "run");
    const auto result = train(std::string(arguments) + " --steps 1 --out run");
    EXPECT_EQ(result.exit_code, 0) << arguments << ": " << result.errors;
  }
  const auto several = train(
      "--data data --data data --teacher mnet025 --teacher mnet025 small.toml "
      "--set 'distillation.teachers = [1, 2, 2]' --set input.batch=2 --steps 1 --out several");
  EXPECT_EQ(several.exit_code, 0) << several.errors;
}

TEST_F(Train, FindsTheRecipesThatComeWithIt) {
  const std::string small =
      " --data data --out out --steps 1 --set input.side_px=64 "
      "--set input.batch=2";
  EXPECT_EQ(train("recipes/mnet025-fast.toml" + small).exit_code, 0);
  fs::remove_all(folder_ / "out");
  EXPECT_EQ(train("mnet025-fast" + small).exit_code, 0);
  const auto unknown = train("mnet-fast" + small);
  EXPECT_EQ(unknown.exit_code, 1);
  EXPECT_THAT(unknown.errors,
              HasSubstr("mnet-fast: expected a recipe: a file, or one of fine-tune, mesh, "
                        "mesh-decoder, mesh-five, mesh-vertices, mnet025"));
}

TEST_F(Train, WritesModelsThatDetect) {
  ASSERT_EQ(train("small.toml --data data --out run --steps 2").exit_code, 0);
  const auto detected = testing::run("'" RETINAFACE_PROGRAM "' detect --model '" +
                                     (folder_ / "run/best.safetensors").string() + "' '" +
                                     (testing::sample_folder() / "portrait.jpg").string() + "'");
  EXPECT_EQ(detected.exit_code, 0) << detected.errors;
  EXPECT_THAT(detected.output, HasSubstr("faces"));
}

TEST_F(Train, KeepsFrozenLayersAsTheyWere) {
  ASSERT_EQ(train("small.toml --data data --out start --steps 1").exit_code, 0);
  const auto result = train(
      "small.toml --set 'optimizer.frozen = [\"body.stage1\", \"body.stage2.0\"]' --data data "
      "--out run --steps 5 --init start/last.safetensors");
  ASSERT_EQ(result.exit_code, 0) << result.errors;
  const graph::Weights before = graph::read_safetensors(folder_ / "start/last.safetensors");
  const graph::Weights after = graph::read_safetensors(folder_ / "run/last.safetensors");
  std::size_t frozen = 0;
  std::size_t moved = 0;  // a bias of a level that no face is on may stay
  for (const auto& [name, tensor] : before.tensors) {
    const bool same = std::ranges::equal(tensor.values(), after.at(name).values());
    const bool meant = name.starts_with("body.stage1") || name.starts_with("body.stage2.0");
    if (meant) {
      EXPECT_TRUE(same) << name;
    }
    frozen += meant ? 1U : 0U;
    moved += same ? 0U : 1U;
  }
  EXPECT_GT(frozen, 10U);
  EXPECT_GT(moved, (before.tensors.size() - frozen) * 9 / 10);
}

/// The first weights of a detector are a classifier's: from torch.save's file to the detector's.
TEST_F(Train, StartsFromAnImportedBackbone) {
  graph::Weights classifier;
  for (const auto& [name, tensor] :
       graph::random_weights(models::find_model("mnet025").network.build(), 9).tensors) {
    if (!name.starts_with(models::kBackbonePrefix)) continue;
    classifier.tensors.emplace(name.substr(models::kBackbonePrefix.size()), tensor.clone());
  }
  classifier.tensors.emplace("fc.weight", graph::Tensor::of_shape({1000, 256}));
  classifier.tensors.emplace("fc.bias", graph::Tensor::of_shape({1000}));
  write("imagenet.tar", testing::torch_file(classifier, "module.").legacy());
  const auto imported = testing::run("cd '" + folder_.path().string() +
                                     "' && '" RETINAFACE_PROGRAM
                                     "' import imagenet.tar --part backbone --model mnet025 "
                                     "-o backbone.safetensors");
  ASSERT_EQ(imported.exit_code, 0) << imported.errors;
  write("still.toml", R"(
[input]
side_px = 64
batch = 4
[optimizer]
frozen_statistics = true
[schedule]
learning_rate = 0
)");
  const auto result =
      train("still.toml --data data --out run --steps 1 --init backbone.safetensors");
  ASSERT_EQ(result.exit_code, 0) << result.errors;
  const graph::Weights last = graph::read_safetensors(folder_ / "run/last.safetensors");
  std::size_t compared = 0;
  for (const auto& [name, tensor] : last.tensors) {
    if (!name.starts_with(models::kBackbonePrefix)) continue;
    const graph::Tensor& from = classifier.at(name.substr(models::kBackbonePrefix.size()));
    EXPECT_TRUE(std::ranges::equal(tensor.values(), from.values())) << name;
    ++compared;
  }
  EXPECT_EQ(compared + 2, classifier.tensors.size());
}

TEST_F(Train, LearnsFromATeacher) {
  const auto taught = train("small.toml --data data --out run --steps 3 --teacher mnet025");
  ASSERT_EQ(taught.exit_code, 0) << taught.errors;
  EXPECT_THAT(taught.errors, HasSubstr("teacher "));
  std::istringstream lines(testing::content_of(folder_ / "run/metrics.jsonl"));
  int steps = 0;
  for (std::string line; std::getline(lines, line); ++steps) {
    const json entry = json::parse(line);
    EXPECT_GT(entry.at("loss_teacher"), 0);
    EXPECT_GT(entry.at("loss"), entry.at("loss_teacher"));
  }
  EXPECT_EQ(steps, 3);
  const auto alone = train("small.toml --data data --out run --resume");
  EXPECT_EQ(alone.exit_code, 1);
  EXPECT_THAT(alone.errors, HasSubstr("found '# teacher mnet025 "));
  const auto unknown = train("small.toml --data data --out other --teacher nobody");
  EXPECT_EQ(unknown.exit_code, 1);
  EXPECT_THAT(unknown.errors, HasSubstr("nobody"));
}

TEST_F(Train, TrainsTheMeshBranchWithTheNetworkAndGoesOn) {
  const std::string how =
      "small.toml --data data --init mnet025 --set branch.weight=0.1 --set branch.min_face_px=12 "
      "--set optimizer.frozen_statistics=true ";
  const auto straight = train(how + "--out straight --steps 4");
  ASSERT_EQ(straight.exit_code, 0) << straight.errors;
  EXPECT_THAT(straight.errors, HasSubstr("mesh "));
  EXPECT_THAT(testing::content_of(folder_ / "straight/metrics.jsonl"),
              HasSubstr("\"loss_mesh\": "));
  ASSERT_EQ(train(how + "--out cut --steps 2").exit_code, 0);
  ASSERT_EQ(train(how + "--out cut --steps 4 --resume").exit_code, 0);
  EXPECT_EQ(testing::content_of(folder_ / "cut/last.safetensors"),
            testing::content_of(folder_ / "straight/last.safetensors"));
  const auto detected = testing::run("'" RETINAFACE_PROGRAM "' detect --mesh --model '" +
                                     (folder_ / "cut/last.safetensors").string() + "' '" +
                                     (testing::sample_folder() / "portrait.jpg").string() + "'");
  EXPECT_EQ(detected.exit_code, 0) << detected.errors;
  EXPECT_THAT(detected.output, HasSubstr("vertices"));
  // One to start from is needed.
  const auto none = train("small.toml --data data --set branch.weight=0.1 --out none --steps 1");
  EXPECT_EQ(none.exit_code, 2) << none.errors;
  EXPECT_THAT(none.errors, HasSubstr("--init: expected a model with a mesh branch"));
}

TEST_F(Train, AMeshRecipeTakesNoOptionsOfDetectors) {
  for (const char* const option :
       {"--val data", "--teacher mnet025", "--steps 3", "--device cuda"}) {
    const auto refused =
        train(std::string("mesh --data l.txt --decoder mnet025 --out run ") + option);
    EXPECT_EQ(refused.exit_code, 2) << option;
    EXPECT_THAT(refused.errors, HasSubstr("does not go with a recipe for the mesh branch"))
        << option;
  }
}

TEST(TrainingBackends, AreListedWithWhatTheyTrainOn) {
  const auto listed = testing::run("'" RETINAFACE_PROGRAM "' models --training");
  EXPECT_EQ(listed.exit_code, 0) << listed.errors;
  EXPECT_THAT(listed.output,
              AllOf(HasSubstr("fused            priority 100       on cpu, float32, bfloat16: "),
                    HasSubstr("autograd         priority 50        on cpu"),
                    Not(HasSubstr("reference  "))));
}

TEST_F(Train, ByEitherBackendLearnsTheSame) {
  ASSERT_EQ(train("small.toml --data data --out fused --steps 3").exit_code, 0);
  const auto other = train("small.toml --data data --out run --steps 2 --backend autograd");
  ASSERT_EQ(other.exit_code, 0) << other.errors;
  ASSERT_EQ(train("small.toml --data data --out run --steps 3 --resume").exit_code, 0);
  const auto losses = [&](const char* file) {
    std::vector<double> values;
    std::istringstream lines(testing::content_of(folder_ / file));
    for (std::string line; std::getline(lines, line);) {
      values.push_back(json::parse(line).at("loss"));
    }
    return values;
  };
  const std::vector<double> want = losses("fused/metrics.jsonl");
  const std::vector<double> got = losses("run/metrics.jsonl");
  ASSERT_EQ(want.size(), 3U);
  ASSERT_EQ(got.size(), 3U);
  EXPECT_NEAR(got[0], want[0], 1e-5 * want[0]);
  for (std::size_t i = 1; i < 3; ++i) EXPECT_NEAR(got[i], want[i], 0.02 * want[i]) << i;
  EXPECT_GT(std::abs(want[0] - want[2]), 0.03 * want[0]);  // or any would be near

  const auto unknown = train("small.toml --data data --out new --backend abacus");
  EXPECT_EQ(unknown.exit_code, 1);
  EXPECT_THAT(unknown.errors, HasSubstr("(fused, autograd), found 'abacus'"));
  const auto elsewhere = train("small.toml --data data --out new --device moon");
  EXPECT_EQ(elsewhere.exit_code, 1);
  EXPECT_THAT(elsewhere.errors, AllOf(HasSubstr("'fused'"), HasSubstr("(cpu), found 'moon'")));
  const auto recomputing =
      train("small.toml --data data --out new --backend autograd --set compute.recompute=true");
  EXPECT_EQ(recomputing.exit_code, 1);
  EXPECT_THAT(recomputing.errors, HasSubstr("compute.recompute = false"));
}

}  // namespace
}  // namespace retinaface
