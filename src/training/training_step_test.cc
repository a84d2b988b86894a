#include "training/training_step.h"

#include <cmath>
#include <memory>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/cpu.h"
#include "base/random.h"
#include "models/catalogue.h"
#include "models/load_model.h"
#include "runtime/training_backends/training_backends.h"
#include "support/testing.h"

namespace retinaface::training {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

/// Noise with a different number of faces in each image.
std::vector<dataset::Sample> batch_of(int images, int side) {
  Random random(5);
  std::vector<dataset::Sample> batch;
  for (int n = 0; n < images; ++n) {
    dataset::Sample& sample =
        batch.emplace_back(Image(side, side), std::vector<dataset::AnnotatedFace>{});
    for (int y = 0; y < side; ++y) {
      for (int i = 0; i < 3 * side; ++i) {
        sample.image.row(y)[i] = static_cast<std::uint8_t>(random.below(256));
      }
    }
    for (int i = 0; i < n; ++i) {
      const auto size = static_cast<float>(random.uniform(16, 64));
      const auto x = static_cast<float>(random.uniform(0, side - 64.0));
      const auto y = static_cast<float>(random.uniform(0, side - 64.0));
      dataset::AnnotatedFace face;
      face.box = {x, y, x + size, y + size};
      if (i % 2 == 0) {
        for (auto& point : face.points) {
          point = {{x + size / 2, y + size / 3}, dataset::PointState::kVisible};
        }
      }
      sample.faces.push_back(face);
    }
  }
  return batch;
}

// With running statistics the parts of a batch are independent but for the counts that the losses
// are averaged over.
TEST(TrainingStep, OfPartsEqualsOneOfTheWhole) {
  Recipe recipe;
  recipe.side_px = 128;
  recipe.batch = 4;
  recipe.frozen_statistics = true;
  recipe.matching.positive_iou = recipe.matching.negative_iou = 0.35F;
  recipe.matching.force_best = true;
  const auto batch = batch_of(recipe.batch, recipe.side_px);
  const models::Model& model = models::find_model("mnet025");
  const graph::Weights weights = models::load_builtin_model("mnet025").weights;
  ProcessGroup alone({});
  TrainingStep whole(recipe, model, weights, alone);
  const LossValues expected = whole.forward_backward(batch);
  ASSERT_GT(expected.term("box"), 0);
  ASSERT_GT(expected.term("landmarks"), 0);
  for (const int parts : {2, 4}) {
    Recipe other = recipe;
    other.accumulate = parts;
    TrainingStep step(other, model, weights, alone);
    for (int repetition = 0; repetition < 2; ++repetition) {
      const LossValues loss = step.forward_backward(batch);
      EXPECT_NEAR(loss.total, expected.total, 1e-5 * expected.total);
      EXPECT_NEAR(loss.term("cls"), expected.term("cls"), 1e-5 * expected.term("cls"));
      EXPECT_NEAR(loss.term("box"), expected.term("box"), 1e-5 * expected.term("box"));
      EXPECT_NEAR(loss.term("landmarks"), expected.term("landmarks"),
                  1e-5 * expected.term("landmarks"));
      double difference = 0;
      double square = 0;
      for (std::size_t i = 0; i < whole.network().gradients().size(); ++i) {
        const auto want = static_cast<double>(whole.network().gradients()[i]);
        const auto got = static_cast<double>(step.network().gradients()[i]);
        difference += (got - want) * (got - want);
        square += want * want;
      }
      EXPECT_LT(std::sqrt(difference / square), 1e-5);
    }
  }
}

TEST(TrainingStep, OfBothBackendsAgree) {
  Recipe recipe;
  recipe.side_px = 128;
  recipe.batch = 2;
  recipe.frozen_statistics = true;
  recipe.matching.positive_iou = recipe.matching.negative_iou = 0.35F;
  const auto batch = batch_of(recipe.batch, recipe.side_px);
  const models::LoadedModel loaded = models::load_builtin_model("mnet025");
  models::LoadedModel other = models::load_builtin_model("mnet025");
  for (float& value : other.weights.tensors.at("body.stage1.0.0.weight").values()) value *= 0.2F;
  ProcessGroup alone({});
  const auto step_of = [&](const std::string& backend, Teachers& teachers) {
    return std::make_unique<TrainingStep>(
        recipe, *loaded.model, loaded.weights, alone, &teachers,
        StepOptions{.engine = {.backend = backend}, .threads = 2});
  };
  const Engine autograd = {.backend = "autograd"};
  const TeacherOptions mirrored = {.mirrored = true};
  Teachers plain_teacher(std::make_unique<Teacher>(other, *loaded.model, "other", 1, mirrored));
  Teachers same_teacher(
      std::make_unique<Teacher>(other, *loaded.model, "other", 2, mirrored, autograd));
  const auto plain = step_of("", plain_teacher);
  const auto same = step_of("autograd", same_teacher);
  const LossValues expected = plain->forward_backward(batch);
  const LossValues loss = same->forward_backward(batch);
  EXPECT_GT(expected.term("box"), 0);
  EXPECT_GT(expected.teacher, 0.01);
  EXPECT_NEAR(loss.total, expected.total, 1e-4 * expected.total);
  EXPECT_NEAR(loss.teacher, expected.teacher, 1e-3 * expected.teacher);
  double difference = 0;
  double square = 0;
  for (std::size_t i = 0; i < plain->network().gradients().size(); ++i) {
    const auto want = static_cast<double>(plain->network().gradients()[i]);
    difference += std::pow(static_cast<double>(same->network().gradients()[i]) - want, 2);
    square += want * want;
  }
  EXPECT_LT(std::sqrt(difference / square), 1e-3);
}

TEST(TrainingStep, RefusesALossThatIsNotComputed) {
  models::Model model = models::find_model("mnet025");
  model.detector().heads.back().loss = models::HeadLoss::kCrossEntropy;
  const graph::Weights weights = graph::random_weights(model.network.build(), 1);
  ProcessGroup alone({});
  const Recipe recipe;
  const Error error = retinaface::testing::error_of(
      [&] { const TrainingStep step(recipe, model, weights, alone); });
  EXPECT_EQ(error.code(), ErrorCode::kUnsupported);
  EXPECT_THAT(error.what(), HasSubstr("head landmarks: cannot be trained"));
}

TEST(TrainingBackend, OfAnUnknownNameOrDeviceIsRefusedWithAList) {
  EXPECT_EQ(&runtime::training_backends().trainer(""),
            &runtime::training_backends().trainer("fused"));
  const auto message = [](const char* name, const char* device) {
    const Error error =
        retinaface::testing::error_of([&] { runtime::training_backends().trainer(name, device); });
    EXPECT_EQ(error.code(), ErrorCode::kUnsupported);
    return std::string(error.what());
  };
  EXPECT_THAT(message("abacus", "cpu"), HasSubstr("(fused, autograd), found 'abacus'"));
  EXPECT_THAT(message("cpu", "cpu"), HasSubstr("(fused, autograd), found 'cpu'"));
  EXPECT_THAT(message("", "cuda"),
              AllOf(HasSubstr("'fused'"), HasSubstr("(cpu)"), HasSubstr("'cuda'")));
  EXPECT_THAT(message("autograd", "abacus"),
              AllOf(HasSubstr("'autograd'"), HasSubstr("(cpu"), HasSubstr("'abacus'")));
}

TEST(TrainingBackend, OfATypeThatItLacksIsRefusedWithThoseThatItHas) {
  const graph::Graph graph = models::find_model("mnet025").network.build();
  for (const std::string name : {"fused", "autograd"}) {
    const Error error = retinaface::testing::error_of([&] {
      make_network({.backend = name}, graph, graph::random_weights(graph, 1),
                   {.type = graph::DataType::kFloat16});
    });
    EXPECT_EQ(error.code(), ErrorCode::kUnsupported);
    EXPECT_EQ(error.what(), "backend " + name + ": computes in float32, bfloat16, not in float16");
  }
}

TEST(TrainingBackend, SaysWhereBfloat16Pays) {
  const Recipe rounded = parse_recipe("[compute]\narithmetic = 'bfloat16'", "test");
  for (const char* const name : {"fused", "autograd"}) {
    EXPECT_EQ(usable_arithmetic(rounded, {.backend = name}) == graph::DataType::kBFloat16,
              has_bfloat16_products());
    EXPECT_EQ(usable_arithmetic({}, {.backend = name}), graph::DataType::kFloat32);
  }
  const auto is_faster = runtime::training_backends().find("autograd").is_faster;
  EXPECT_TRUE(is_faster(graph::DataType::kBFloat16, "cuda"));
}

// And those that train run nothing.
TEST(TrainingBackend, IsNoBackendOfADetector) {
  const graph::Graph graph = models::find_model("mnet025").network.build();
  const Error error = retinaface::testing::error_of(
      [&] { runtime::training_backends().make(graph, graph::random_weights(graph, 1), "fused"); });
  EXPECT_THAT(error.what(), HasSubstr("backend fused: trains networks and does not run them"));
}

// A network has nothing to learn from itself, whatever the threads: the teacher's fast runtime
// gives the trainer's outputs, in the trainer's order.
TEST(TrainingStep, IsAtNoDistanceFromItselfAsTeacher) {
  Recipe recipe;
  recipe.side_px = 96;
  recipe.batch = 3;
  recipe.frozen_statistics = true;
  const auto batch = batch_of(recipe.batch, recipe.side_px);
  const models::LoadedModel loaded = models::load_builtin_model("mnet025");
  models::LoadedModel other = models::load_builtin_model("mnet025");
  for (float& value : other.weights.tensors.at("body.stage1.0.0.weight").values()) value *= 0.2F;
  ProcessGroup alone({});
  TrainingStep plain(recipe, *loaded.model, loaded.weights, alone);
  const double without = plain.forward_backward(batch).total;
  for (const int threads : {1, 2}) {
    Teachers itself(std::make_unique<Teacher>(loaded, *loaded.model, "itself", threads));
    TrainingStep step(recipe, *loaded.model, loaded.weights, alone, &itself);
    for (int repetition = 0; repetition < 2; ++repetition) {
      const LossValues loss = step.forward_backward(batch);
      EXPECT_NEAR(loss.teacher, 0, 1e-3);
      EXPECT_NEAR(loss.total, without + loss.teacher, 1e-5 * without);
    }
    Teachers another(std::make_unique<Teacher>(other, *loaded.model, "another", threads));
    TrainingStep taught(recipe, *loaded.model, loaded.weights, alone, &another);
    EXPECT_GT(taught.forward_backward(batch).teacher, 0.01);
    EXPECT_NE(itself.description(), another.description());
  }
}

}  // namespace
}  // namespace retinaface::training
