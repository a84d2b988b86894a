#include "training/trainer.h"

#include <cmath>

#include <gtest/gtest.h>

#include "models/catalogue.h"

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

}  // namespace
}  // namespace retinaface::training
