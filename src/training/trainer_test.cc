#include "training/trainer.h"

#include <cmath>

#include <gtest/gtest.h>

#include "models/catalogue.h"
#include "training/loss_explosion.h"

namespace retinaface::training {
namespace {

TEST(InitialWeights, WithQualityFocalLossExpectFewFaces) {
  const models::Model& model = models::find_model("mnet025");
  const graph::Weights few = initial_weights(model, {}, 1, "nothing", ScoreLoss::kQualityFocal);
  const graph::Weights plain = initial_weights(model, {}, 1, "nothing");
  for (const auto& [name, tensor] : few.tensors) {
    const graph::Tensor& other = plain.tensors.find(name)->second;
    const bool bias_of_scores = name.starts_with("ClassHead.") && name.ends_with(".bias");
    for (std::size_t i = 0; i < tensor.values().size(); ++i) {
      if (!bias_of_scores) {
        ASSERT_EQ(tensor.values()[i], other.values()[i]) << name;
      } else if (i % 2 == 1) {
        EXPECT_NEAR(1 / (1 + std::exp(tensor.values()[i - 1] - tensor.values()[i])), 0.01, 1e-6);
      }
    }
  }
}

TEST(InitialWeights, KeepWhatIsGiven) {
  const models::Model& model = models::find_model("mnet025");
  const graph::Weights given = initial_weights(model, {}, 7, "nothing");
  const graph::Weights again = initial_weights(model, given, 1, "given", ScoreLoss::kQualityFocal);
  for (const auto& [name, tensor] : again.tensors) {
    const graph::Tensor& other = given.tensors.find(name)->second;
    for (std::size_t i = 0; i < tensor.values().size(); ++i) {
      ASSERT_EQ(tensor.values()[i], other.values()[i]) << name;
    }
  }
}

TEST(LossExplosion, IsAHundredfoldOfTheFirstLossInTheMean) {
  LossExplosion exploding;
  EXPECT_EQ(exploding.fault_of(54), "");
  EXPECT_EQ(exploding.fault_of(300), "");
  EXPECT_EQ(exploding.fault_alone(54 * 100), "");
  EXPECT_EQ(exploding.fault_of(54 * 100 * 10),
            "the loss explodes: 5.44e+03 in the mean of the last steps, 54 in the first");
  EXPECT_EQ(exploding.fault_alone(54 * 101),
            "the loss explodes: 5.45e+03 in the last step, 54 in the first");
  EXPECT_EQ(exploding.fault_alone(std::nan("")), "the loss is nan");
  EXPECT_EQ(exploding.fault_of(std::nan("")), "the loss is nan");

  LossExplosion slow;
  bool is_told = false;
  for (double loss = 8; loss < 1e5; loss *= 1.5) is_told = is_told || !slow.fault_of(loss).empty();
  EXPECT_TRUE(is_told);
}

TEST(LossExplosion, IsNotWhatHealthyTrainingsDo) {
  // From a good start, with a batch without a face first, and batches that are much worse.
  LossExplosion fine_tuning;
  EXPECT_EQ(fine_tuning.fault_of(0.01), "");
  for (int i = 0; i < 100; ++i) EXPECT_EQ(fine_tuning.fault_of(i % 10 == 0 ? 400 : 60), "");
  LossExplosion from_scratch;
  for (int i = 0; i < 100; ++i) EXPECT_EQ(from_scratch.fault_of(80.0 / (1 + i) + i % 7), "");
  EXPECT_EQ(from_scratch.fault_of(10000), "") << "one batch alone";
}

}  // namespace
}  // namespace retinaface::training
