// Ten steps of training against PyTorch: reference.py wrote reference.json.
#include <cmath>
#include <nlohmann/json.hpp>

#include <gtest/gtest.h>

#include "base/random.h"
#include "models/catalogue.h"
#include "support/content_of.h"
#include "training/optimizer.h"
#include "training/training_step.h"

namespace retinaface::training {
namespace {

using nlohmann::json;

json read_reference() {
  return json::parse(retinaface::testing::content_of(RETINAFACE_TRAINING_REFERENCE));
}

/// The same pattern as in reference.py: blocks of 8 x 8 pixels of random colors.
Image image(int side, int n) {
  Image image(side, side);
  Random random(static_cast<std::uint64_t>(1000 + n));
  for (int y = 0; y < side; y += 8) {
    for (int x = 0; x < side; x += 8) {
      for (int c = 0; c < 3; ++c) {
        const auto value = static_cast<std::uint8_t>(random.next() >> 56);
        for (int i = 0; i < 64; ++i) image.row(y + i / 8)[3 * (x + i % 8) + c] = value;
      }
    }
  }
  return image;
}

std::vector<dataset::Sample> make_batch(const json& reference) {
  std::vector<dataset::Sample> batch;
  for (const json& faces : reference.at("faces")) {
    dataset::Sample sample;
    sample.image = image(reference.at("side"), static_cast<int>(batch.size()));
    for (const json& entry : faces) {
      const auto box = entry.at("box").get<std::vector<float>>();
      dataset::AnnotatedFace face;
      face.box = {box[0], box[1], box[2], box[3]};
      if (!entry.at("points").is_null()) {
        const auto points = entry.at("points").get<std::vector<float>>();
        for (std::size_t i = 0; i < 5; ++i) {
          face.points[i] = {{points[2 * i], points[2 * i + 1]}, dataset::PointState::kVisible};
        }
      }
      sample.faces.push_back(face);
    }
    batch.push_back(std::move(sample));
  }
  return batch;
}

Recipe reference_recipe(const json& reference) {
  Recipe recipe;
  recipe.side_px = reference.at("side");
  recipe.batch = reference.at("batch");
  recipe.matching.positive_iou = recipe.matching.negative_iou = 0.35F;
  recipe.matching.force_best = true;
  recipe.loss.negatives_per_positive = 7;
  return recipe;
}

TEST(TrainingReference, TenStepsEqualPyTorch) {
  constexpr double kTolerance = 1e-4;
  const json reference = read_reference();
  const Recipe recipe = reference_recipe(reference);
  const models::Model& model = models::find_model("mnet025");
  const graph::Weights start = graph::random_weights(model.network.build(), reference.at("seed"));
  training::ProcessGroup alone({});
  TrainingStep step(recipe, model, start, alone);
  Optimizer optimizer(step.network().parameters(), recipe.optimizer);
  const std::vector<dataset::Sample> batch = make_batch(reference);

  std::int64_t steps = 0;
  for (const json& expected : reference.at("losses")) {
    const LossValues loss = step.forward_backward(batch);
    const double got[] = {loss.total, loss.term("cls"), loss.term("box"), loss.term("landmarks")};
    for (std::size_t i = 0; i < 4; ++i) {
      const double want = expected.at(i);
      EXPECT_NEAR(got[i], want, kTolerance * want) << "term " << i;
    }
    optimizer.step(reference.at("rate"), steps++, step.network().gradients(),
                   step.network().values());
  }

  const graph::Weights weights = step.network().weights();
  ASSERT_EQ(weights.tensors.size(), reference.at("tensors").size());
  for (const auto& [name, expected] : reference.at("tensors").items()) {
    const auto& values = weights.at(name).values();
    double square = 0;
    double change = 0;
    for (std::size_t i = 0; i < values.size(); ++i) {
      const auto value = static_cast<double>(values[i]);
      square += value * value;
      change += std::pow(value - static_cast<double>(start.at(name).values()[i]), 2);
    }
    // What starts at 0 consists of nothing but the ten steps, and the steps are differences of near
    // values, of which float32 leaves fewer digits.
    const double norm = expected.at("norm");
    const double moved = expected.at("change");
    EXPECT_NEAR(std::sqrt(change), moved, kTolerance * norm + 0.02 * moved) << name;
    EXPECT_NEAR(std::sqrt(square), norm, kTolerance * norm + 0.02 * moved) << name;
    const double per_value = 1 / std::sqrt(static_cast<double>(values.size()));
    for (std::size_t i = 0; i < expected.at("at").size(); ++i) {
      const double want = expected.at("values").at(i);
      const auto place = expected.at("at").at(i).get<std::size_t>();
      const double own_move = std::abs(want - static_cast<double>(start.at(name).values()[place]));
      EXPECT_NEAR(static_cast<double>(values[place]), want,
                  (kTolerance * norm + 0.02 * moved) * per_value + 0.02 * own_move)
          << name;
    }
  }
}

}  // namespace
}  // namespace retinaface::training
