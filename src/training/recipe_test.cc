#include "training/recipe.h"

#include <filesystem>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support/testing.h"
#include "training/mesh_decoder_trainer.h"
#include "training/mesh_recipe.h"

namespace retinaface::training {
namespace {

using ::testing::ElementsAre;
using testing::error_of;
using ::testing::HasSubstr;

TEST(Recipe, ReadsEveryKey) {
  const Recipe recipe = parse_recipe(R"(
model = "mnet025"
[input]
side_px = 320
batch = 6
accumulate = 3
[augmentation]
crop = [0.5, 1.5]
around_face = 0.25
around_face_px = [8, 256]
flip = 0.1
turn = 0.35
turn_degrees = 60
brightness = 3
contrast = 0.2
saturation = 0.3
hue_degrees = 7
gray = 0.05
min_face_px = 4
[matching]
method = "atss"
candidates = 7
positive_iou = 0.45
negative_iou = 0.35
force_best = true
force_above_iou = 0.1
ignored_face_iou = 0.4
[loss]
cls_weight = 2
box_weight = 3
landmarks_weight = 4
score = "quality_focal"
box = "diou"
negatives_per_positive = 5
min_negatives = 6
smooth_l1_beta = 0.7
min_points_score = 0.8
soft_targets = true
[distillation]
cls_weight = 1.5
box_weight = 2.5
landmarks_weight = 3.5
min_score = 0.2
temperature = 3
min_weight = 0.01
mirrored = true
teachers = [2, 1, 1]
score_factor = [0.5, 2]
score_shift = [-1.5, 0]
[branch]
weight = 0.03
min_face_px = 31
anchors_per_face = 4
pixel_weight = 0.9
pixel_to_geometry = 0.2
five_weight = 3
shape_prior = 0.02
texture_prior = 0.03
pose_prior = 0.04
[optimizer]
method = "adamw"
momentum = 0.8
square_decay = 0.95
weight_decay = 1e-3
decay_norms_and_biases = false
max_gradient = 9
offsets_rate_factor = 0.2
average_decay = 0.99
frozen = ["body.stage1", "fpn"]
frozen_statistics = true
[schedule]
learning_rate = 0.03
epochs = 11
warmup_epochs = 0.5
warmup_factor = 0.2
decay = "cosine"
milestones = [3, 4]
step_factor = 0.3
final_factor = 0.4
[validation]
every_epochs = 3
[compute]
arithmetic = "bfloat16"
recompute = true
)",
                                     "test.toml");
  EXPECT_EQ(recipe.side_px, 320);
  EXPECT_EQ(recipe.batch, 6);
  EXPECT_EQ(recipe.accumulate, 3);
  EXPECT_EQ(recipe.augmentation.crop.min_side, 0.5F);
  EXPECT_EQ(recipe.augmentation.crop.max_side, 1.5F);
  EXPECT_EQ(recipe.augmentation.crop.around_face, 0.25F);
  EXPECT_EQ(recipe.augmentation.crop.min_face_px, 8);
  EXPECT_EQ(recipe.augmentation.crop.max_face_px, 256);
  EXPECT_EQ(recipe.augmentation.flip, 0.1F);
  EXPECT_EQ(recipe.augmentation.turn, 0.35F);
  EXPECT_EQ(recipe.augmentation.turn_degrees, 60);
  EXPECT_EQ(recipe.augmentation.color.brightness, 3);
  EXPECT_EQ(recipe.augmentation.color.contrast, 0.2F);
  EXPECT_EQ(recipe.augmentation.color.saturation, 0.3F);
  EXPECT_EQ(recipe.augmentation.color.hue_degrees, 7);
  EXPECT_EQ(recipe.augmentation.color.gray, 0.05F);
  EXPECT_EQ(recipe.augmentation.min_face_px, 4);
  EXPECT_EQ(recipe.matching.method, MatchingMethod::kAtss);
  EXPECT_EQ(recipe.matching.candidates, 7);
  EXPECT_EQ(recipe.matching.positive_iou, 0.45F);
  EXPECT_EQ(recipe.matching.negative_iou, 0.35F);
  EXPECT_TRUE(recipe.matching.force_best);
  EXPECT_EQ(recipe.matching.force_above_iou, 0.1F);
  EXPECT_EQ(recipe.matching.ignored_face_iou, 0.4F);
  EXPECT_EQ(recipe.loss.weights.at("cls"), 2);
  EXPECT_EQ(recipe.loss.weights.at("box"), 3);
  EXPECT_EQ(recipe.loss.weights.at("landmarks"), 4);
  EXPECT_EQ(recipe.loss.score, ScoreLoss::kQualityFocal);
  EXPECT_EQ(recipe.loss.box, BoxLoss::kDiou);
  EXPECT_EQ(recipe.loss.negatives_per_positive, 5);
  EXPECT_EQ(recipe.loss.min_negatives, 6);
  EXPECT_EQ(recipe.loss.smooth_l1_beta, 0.7F);
  EXPECT_EQ(recipe.loss.min_points_score, 0.8F);
  EXPECT_TRUE(recipe.loss.soft_targets);
  EXPECT_EQ(recipe.distillation.weights.at("cls"), 1.5F);
  EXPECT_EQ(recipe.distillation.weights.at("box"), 2.5F);
  EXPECT_EQ(recipe.distillation.weights.at("landmarks"), 3.5F);
  EXPECT_EQ(recipe.distillation.min_score, 0.2F);
  EXPECT_EQ(recipe.distillation.temperature, 3);
  EXPECT_EQ(recipe.distillation.min_weight, 0.01F);
  EXPECT_TRUE(recipe.distillation.mirrored);
  EXPECT_THAT(recipe.distillation.teachers, ElementsAre(2, 1, 1));
  EXPECT_THAT(recipe.distillation.score_factor, ElementsAre(0.5F, 2));
  EXPECT_THAT(recipe.distillation.score_shift, ElementsAre(-1.5F, 0));
  EXPECT_EQ(recipe.branch.weight, 0.03F);
  EXPECT_EQ(recipe.branch.min_face_px, 31);
  EXPECT_EQ(recipe.branch.anchors_per_face, 4);
  EXPECT_EQ(recipe.branch.loss.pixel_weight, 0.9F);
  EXPECT_EQ(recipe.branch.loss.pixel_to_geometry, 0.2F);
  EXPECT_EQ(recipe.branch.loss.five_weight, 3);
  EXPECT_EQ(recipe.branch.loss.shape_prior, 0.02F);
  EXPECT_EQ(recipe.branch.loss.texture_prior, 0.03F);
  EXPECT_EQ(recipe.branch.loss.pose_prior, 0.04F);
  EXPECT_EQ(recipe.optimizer.method, Method::kAdamW);
  EXPECT_EQ(recipe.optimizer.momentum, 0.8F);
  EXPECT_EQ(recipe.optimizer.square_decay, 0.95F);
  EXPECT_EQ(recipe.optimizer.weight_decay, 1e-3F);
  EXPECT_FALSE(recipe.optimizer.decay_norms_and_biases);
  EXPECT_EQ(recipe.optimizer.max_gradient, 9);
  EXPECT_EQ(recipe.optimizer.offsets_rate_factor, 0.2F);
  EXPECT_EQ(recipe.average_decay, 0.99F);
  EXPECT_THAT(recipe.frozen, ElementsAre("body.stage1", "fpn"));
  EXPECT_TRUE(recipe.frozen_statistics);
  EXPECT_EQ(recipe.schedule.learning_rate, 0.03F);
  EXPECT_EQ(recipe.schedule.epochs, 11);
  EXPECT_EQ(recipe.schedule.warmup_epochs, 0.5F);
  EXPECT_EQ(recipe.schedule.warmup_factor, 0.2F);
  EXPECT_EQ(recipe.schedule.decay, Decay::kCosine);
  EXPECT_THAT(recipe.schedule.milestones, ElementsAre(3, 4));
  EXPECT_EQ(recipe.schedule.step_factor, 0.3F);
  EXPECT_EQ(recipe.schedule.final_factor, 0.4F);
  EXPECT_EQ(recipe.validate_every_epochs, 3);
  EXPECT_EQ(recipe.arithmetic, graph::DataType::kBFloat16);
  EXPECT_TRUE(recipe.recompute);
  // Nothing is lost or changed on the way to text and back.
  EXPECT_EQ(to_toml(parse_recipe(to_toml(recipe), "again.toml")), to_toml(recipe));
}

TEST(Recipe, OfNothingIsTheDefaults) {
  const Recipe recipe = parse_recipe("[loss]", "empty.toml");
  EXPECT_EQ(to_toml(recipe), to_toml(Recipe{}));
  EXPECT_EQ(to_toml(parse_recipe(to_toml(recipe), "again.toml")), to_toml(recipe));
}

TEST(Recipe, DefaultsAreThePapersLoss) {
  const Recipe recipe;
  EXPECT_EQ(recipe.matching.method, MatchingMethod::kIou);
  EXPECT_EQ(recipe.matching.positive_iou, 0.5F);
  EXPECT_EQ(recipe.matching.negative_iou, 0.3F);
  const Recipe parsed = parse_recipe("[loss]", "empty.toml");
  EXPECT_EQ(parsed.loss.weights.at("cls"), 1);
  EXPECT_EQ(parsed.loss.weights.at("box"), 0.25F);
  EXPECT_EQ(parsed.loss.weights.at("landmarks"), 0.1F);
  for (const models::Head& head : models::face_heads()) {
    EXPECT_EQ(static_cast<float>(weight_of(head, recipe.loss)), parsed.loss.weights.at(head.name));
  }
  EXPECT_EQ(recipe.loss.score, ScoreLoss::kCrossEntropy);
  EXPECT_EQ(recipe.loss.box, BoxLoss::kSmoothL1);
  EXPECT_EQ(recipe.loss.negatives_per_positive, 3);
}

TEST(Recipe, MirrorsImagesOfWholeCellsOnly) {
  const Error error = error_of(
      [] { parse_recipe("input.side_px = 328\n[distillation]\nmirrored = true", "odd.toml"); });
  EXPECT_EQ(error.code(), ErrorCode::kBadData);
  EXPECT_STREQ(
      error.what(),
      "odd.toml: distillation.mirrored: expected an input.side_px that is a multiple of 32, "
      "found 328");
}

Recipe of_repository(const std::string& name) {
  return read_recipe(testing::sample_folder().parent_path() / "recipes" / (name + ".toml"));
}

TEST(Recipe, ThePapersHaveItsConstants) {
  for (const char* name : {"resnet152-paper", "resnet152-paper-dcn", "resnet152-paper-context"}) {
    const Recipe recipe = of_repository(name);
    EXPECT_EQ(recipe.side_px, 640);
    EXPECT_EQ(recipe.batch, 4 * 8);
    EXPECT_EQ(recipe.augmentation.crop.min_side, 0.3F);
    EXPECT_EQ(recipe.augmentation.crop.max_side, 1);
    EXPECT_EQ(recipe.augmentation.crop.around_face, 0);
    EXPECT_EQ(recipe.augmentation.flip, 0.5F);
    EXPECT_EQ(recipe.matching.positive_iou, 0.5F);
    EXPECT_EQ(recipe.matching.negative_iou, 0.3F);
    EXPECT_FALSE(recipe.matching.force_best);
    EXPECT_EQ(recipe.loss.weights.at("cls"), 1);
    EXPECT_EQ(recipe.loss.weights.at("box"), 0.25F);
    EXPECT_EQ(recipe.loss.negatives_per_positive, 3);
    EXPECT_EQ(recipe.loss.min_negatives, 0);
    EXPECT_EQ(recipe.optimizer.momentum, 0.9F);
    EXPECT_EQ(recipe.optimizer.weight_decay, 5e-4F);
    EXPECT_EQ(recipe.optimizer.offsets_rate_factor, 0.1F);
    EXPECT_EQ(recipe.schedule.epochs, 80);
    // From 1e-3 to 1e-2 over five epochs, a tenth from 55 and again from 68 on.
    constexpr std::int64_t kSteps = 100;
    const auto rate = [&](std::int64_t epoch) {
      return learning_rate(recipe.schedule, epoch * kSteps, kSteps);
    };
    EXPECT_NEAR(rate(0), 1e-3, 2e-5);
    for (const auto& [epoch, expected] :
         {std::pair{5, 1e-2}, {54, 1e-2}, {55, 1e-3}, {67, 1e-3}, {68, 1e-4}, {79, 1e-4}}) {
      EXPECT_NEAR(rate(epoch), expected, 1e-3 * expected) << epoch;
    }
  }
  EXPECT_EQ(of_repository("resnet152-paper").loss.weights.at("landmarks"), 0.1F);
  EXPECT_EQ(of_repository("resnet152-paper-dcn").loss.weights.at("landmarks"), 0);
  EXPECT_EQ(of_repository("resnet152-paper-context").loss.weights.at("landmarks"), 0);
  EXPECT_EQ(of_repository("resnet152-paper").model, "resnet152+dcn+shared-heads");
  EXPECT_EQ(of_repository("resnet152-paper-dcn").model, "resnet152+dcn+shared-heads");
  EXPECT_EQ(of_repository("resnet152-paper-context").model, "resnet152+shared-heads");
}

TEST(Recipe, ChangesStandInForWhatItSays) {
  const std::string input = "[input]\nbatch = 8\n[schedule]\nepochs = 9\nlearning_rate = 0.5\n";
  const std::vector<std::string> changes = {"schedule.epochs = 3", "loss.smooth_l1_beta = 0.25",
                                            "schedule.epochs = 4"};
  const Recipe recipe = parse_recipe(input, "r.toml", changes);
  EXPECT_EQ(recipe.batch, 8);
  EXPECT_EQ(recipe.schedule.epochs, 4);
  EXPECT_EQ(recipe.schedule.learning_rate, 0.5F);
  EXPECT_EQ(recipe.loss.smooth_l1_beta, 0.25F);

  const auto refused = [&](const std::string& change) {
    return std::string(
        error_of([&] { parse_recipe(input, "r.toml", std::vector<std::string>{change}); }).what());
  };
  EXPECT_THAT(refused("schedule.epoch = 3"), HasSubstr("no recipe has a key 'epoch'"));
  EXPECT_THAT(refused("schedule.epochs = 0.5"), HasSubstr("--set 'schedule.epochs = 0.5'"));
  EXPECT_THAT(refused("schedule.epochs"), HasSubstr("--set 'schedule.epochs'"));
  EXPECT_THAT(refused("schedule = 3"), HasSubstr("a table"));
}

TEST(Recipe, TakesTheFormerNamesOfKeys) {
  const std::string former =
      "[augmentation]\naround_face_greatest_side = 3\nleast_face_px = 7\n"
      "[loss]\nleast_negatives = 5\nleast_points_score = 0.3\n"
      "[distillation]\nleast_score = 0.2\nleast_weight = 0.1\n"
      "[optimizer]\ngreatest_gradient = 9\n";
  const Recipe recipe = parse_recipe(former, "r.toml");
  EXPECT_EQ(recipe.augmentation.crop.around_face_max_side, 3);
  EXPECT_EQ(recipe.augmentation.min_face_px, 7);
  EXPECT_EQ(recipe.loss.min_negatives, 5);
  EXPECT_EQ(recipe.loss.min_points_score, 0.3F);
  EXPECT_EQ(recipe.distillation.min_score, 0.2F);
  EXPECT_EQ(recipe.distillation.min_weight, 0.1F);
  EXPECT_EQ(recipe.optimizer.max_gradient, 9);
  const auto changed =
      parse_recipe(former, "r.toml", std::vector<std::string>{"distillation.min_weight = 0.5"});
  EXPECT_EQ(changed.distillation.min_weight, 0.5F);
  const auto both =
      error_of([] { parse_recipe("[loss]\nleast_negatives = 5\nmin_negatives = 5", "r.toml"); });
  EXPECT_THAT(both.what(), HasSubstr("two names of one key"));
}

TEST(Recipe, RefusesRangesThatAreUpsideDown) {
  const auto message = [](const std::string& text) {
    const Error error = error_of([&] { parse_recipe(text, "test.toml"); });
    EXPECT_EQ(error.code(), ErrorCode::kBadData);
    return std::string(error.what());
  };
  EXPECT_THAT(message("[augmentation]\ncrop = [1, 0.5]"), HasSubstr("test.toml:2: expected crop"));
  EXPECT_THAT(message("[augmentation]\ncrop = 1"), HasSubstr("two numbers for crop"));
  EXPECT_THAT(message("[matching]\npositive_iou = 0.4\nnegative_iou = 0.5"),
              HasSubstr("test.toml:3: expected negative_iou from 0 to 0.4"));
  EXPECT_THAT(message("[optimizer]\nmomentum = nan"), HasSubstr("expected momentum"));
  // 4294967297 is 1 to 32 bits.
  EXPECT_THAT(message("[schedule]\nmilestones = [3, 4294967297]"),
              HasSubstr("test.toml:2: expected milestones from 0 to 1000000, found 4294967297"));
  EXPECT_THAT(message("[schedule]\nmilestones = [-1]"), HasSubstr("expected milestones from 0"));
  EXPECT_THAT(message("[schedule]\nmilestones = [1.5]"),
              HasSubstr("expected whole numbers for milestones"));
  EXPECT_THAT(message("[distillation]\nteachers = [4294967297, 1, 1]"),
              HasSubstr("test.toml:2: expected teachers from 1 to 1000, found 4294967297"));
  for (const char* const turned : {"[1, 0]", "[-1, 1]", "[nan]", "[inf]"}) {
    EXPECT_THAT(message(fmt::format("[distillation]\nscore_factor = {}", turned)),
                HasSubstr("test.toml:2: expected score_factor from 1e-06 to 1000000, found"));
  }
  EXPECT_THAT(message("[distillation]\nscore_shift = [1e9]"),
              HasSubstr("expected score_shift from -1000000 to 1000000, found"));
  EXPECT_THAT(message("[optimizer]\nfrozen = [1]"), HasSubstr("texts for frozen"));
  EXPECT_THAT(message("[optimizer]\nfrozen = [\"\"]"), HasSubstr("frozen: no parameter"));
  EXPECT_THAT(message("input = 3"), HasSubstr("test.toml:1: expected a table"));
}

TEST(Recipe, AllOfTheRepositoryAreReadable) {
  std::size_t recipes = 0;
  for (const auto& entry :
       std::filesystem::directory_iterator(testing::sample_folder().parent_path() / "recipes")) {
    if (entry.path().extension() != ".toml") continue;
    if (is_mesh_recipe(entry.path())) {
      EXPECT_NO_THROW(read_mesh_recipe(entry.path())) << entry.path();
    } else if (is_mesh_decoder_recipe(entry.path())) {
      EXPECT_NO_THROW(read_mesh_decoder_recipe(entry.path())) << entry.path();
    } else {
      EXPECT_NO_THROW(read_recipe(entry.path())) << entry.path();
    }
    ++recipes;
  }
  EXPECT_GE(recipes, 2U);
}

}  // namespace
}  // namespace retinaface::training
