#include "training/optimizer.h"

#include <cmath>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace retinaface::training {
namespace {

using ::testing::FloatNear;
using ::testing::Pointwise;

/// A weight of two values, a bias, a norm's scale and its running mean.
std::vector<runtime::ParameterSlot> parameters() {
  return {{.name = "conv.weight", .shape = {2}, .offset = 0, .size = 2},
          {.name = "conv.bias", .shape = {1}, .offset = 2, .size = 1, .is_bias = true},
          {.name = "norm.weight", .shape = {1}, .offset = 3, .size = 1, .of_norm = true},
          {.name = "norm.running_mean",
           .shape = {1},
           .offset = 4,
           .size = 1,
           .trainable = false,
           .of_norm = true,
           .statistic = true}};
}

TEST(Optimizer, EqualsTwoStepsWorkedByHand) {
  Optimizer optimizer(parameters(), {.momentum = 0.5F, .weight_decay = 0.1F});
  std::vector<float> values = {1, 2, 3, 4, 5};
  const std::vector<float> gradients = {10, 0, -1, 1, 7};
  optimizer.step(0.1, 0, gradients, values);
  // m = g + 0.1 v: 10.1, 0.2, -0.7, 1.4; the running mean stays.
  EXPECT_THAT(values, Pointwise(FloatNear(1e-6F), {-0.01F, 1.98F, 3.07F, 3.86F, 5.0F}));
  optimizer.step(0.1, 1, gradients, values);
  // m = m / 2 + g + 0.1 v: 15.049, 0.298, -1.043, 2.086
  EXPECT_THAT(values, Pointwise(FloatNear(1e-5F), {-1.5149F, 1.9502F, 3.1743F, 3.6514F, 5.0F}));
}

TEST(Optimizer, SparesNormsAndBiasesOfDecay) {
  Optimizer optimizer(parameters(), {.weight_decay = 0.1F, .decay_norms_and_biases = false});
  std::vector<float> values = {1, 2, 3, 4, 5};
  optimizer.step(1, 0, std::vector<float>(5, 0.0F), values);
  EXPECT_THAT(values, Pointwise(FloatNear(1e-6F), {0.9F, 1.8F, 3.0F, 4.0F, 5.0F}));
}

TEST(Optimizer, ShortensLongGradientsAsAWhole) {
  const std::vector<float> gradients = {3, 0, 4, 0, 0};  // 5 long
  for (const float limit : {2.5F, 10.0F}) {
    Optimizer optimizer(parameters(), {.weight_decay = 0, .max_gradient = limit});
    std::vector<float> values(5, 0.0F);
    optimizer.step(1, 0, gradients, values);
    const float scale = limit < 5 ? limit / 5 : 1;
    EXPECT_THAT(values, Pointwise(FloatNear(1e-6F), {-3 * scale, 0.0F, -4 * scale, 0.0F, 0.0F}));
  }
}

TEST(Optimizer, MovesOffsetsAtARateOfTheirOwn) {
  auto slots = parameters();
  slots[0].of_offsets = true;
  Optimizer optimizer(slots, {.weight_decay = 0, .offsets_rate_factor = 0.25F});
  std::vector<float> values(5, 0.0F);
  optimizer.step(1, 0, std::vector<float>{4, 8, 1, 1, 1}, values);
  EXPECT_THAT(values, Pointwise(FloatNear(1e-6F), {-1.0F, -2.0F, -1.0F, -1.0F, 0.0F}));
}

TEST(Optimizer, EqualsTwoStepsOfAdamWWorkedByHand) {
  Optimizer optimizer(parameters(), {.method = Method::kAdamW,
                                     .momentum = 0.5F,
                                     .square_decay = 0.75F,
                                     .weight_decay = 0.1F,
                                     .decay_norms_and_biases = false});
  std::vector<float> values = {1, 2, 3, 4, 5};
  optimizer.step(0.1, 0, std::vector<float>{10, 0, -1, 1e-3F, 7}, values);
  // Whatever its size, a first gradient moves by the rate: 1 - 0.1 (1 + 0.1), 2 - 0.1 (0 + 0.2).
  EXPECT_THAT(values, Pointwise(FloatNear(1e-5F), {0.89F, 1.98F, 3.1F, 3.9F, 5.0F}));
  optimizer.step(0.1, 1, std::vector<float>{-10, 0, -1, 1e-3F, 7}, values);
  // First value: m = 5 / 2 - 10 / 2 = -2.5, m' = -2.5 / 0.75; s' = 100; 0.89 - 0.1 (-1/3 + 0.089).
  EXPECT_THAT(values, Pointwise(FloatNear(1e-5F), {0.914433F, 1.9602F, 3.2F, 3.8F, 5.0F}));
}

/// Weights that mix 16 channels, whose gradient is a multiple of the unit matrix, so that only its
/// size is to be seen in the step; what goes along is AdamW's.
TEST(Optimizer, MovesByTheSameInAllDirectionsWithMuon) {
  constexpr std::size_t kChannels = 16;
  constexpr std::size_t kWeights = kChannels * kChannels;
  const auto step = [&](float size, Method method) {
    Optimizer optimizer(
        std::vector<runtime::ParameterSlot>{
            {.name = "conv.weight", .shape = {16, 16, 1, 1}, .size = kWeights},
            {.name = "depthwise.weight",
             .shape = {16, 1, 3, 3},
             .offset = kWeights,
             .size = kChannels * 9}},
        {.method = method, .weight_decay = 0.1F});
    std::vector<float> values(kWeights + kChannels * 9, 1.0F);
    std::vector<float> gradients(values.size(), 0.5F);
    for (std::size_t i = 0; i < kWeights; ++i) {
      gradients[i] = i % (kChannels + 1) == 0 ? size : 0.0F;
    }
    optimizer.step(0.01, 0, gradients, values);
    return values;
  };
  const std::vector<float> moved = step(3, Method::kMuon);
  // The weights' decay, 0.01 * 0.1; on the diagonal 0.01 * 0.2 sqrt(16) times about 1 besides.
  EXPECT_NEAR(moved[1], 0.999, 1e-5);
  EXPECT_GT(0.999F - moved[0], 0.008F * 0.65F);
  EXPECT_LT(0.999F - moved[0], 0.008F * 1.2F);
  EXPECT_THAT(step(300, Method::kMuon), Pointwise(FloatNear(1e-5F), moved));
  const std::vector<float> adamw = step(3, Method::kAdamW);
  EXPECT_THAT(std::span(moved).subspan(kWeights),
              Pointwise(FloatNear(1e-7F), std::span(adamw).subspan(kWeights)));
}

TEST(Optimizer, GoesOnFromItsState) {
  for (const Method method : {Method::kSgd, Method::kAdamW, Method::kMuon}) {
    const std::vector<float> gradients = {1, 2, 3, 4, 5};
    Optimizer whole(parameters(), {.method = method});
    std::vector<float> values(5, 1.0F);
    whole.step(0.1, 0, gradients, values);
    Optimizer resumed(parameters(), {.method = method});
    resumed.restore(whole.state());
    std::vector<float> copy = values;
    whole.step(0.1, 1, gradients, values);
    resumed.step(0.1, 1, gradients, copy);
    EXPECT_EQ(copy, values);
  }
}

TEST(MovingAverage, EqualsItsFormula) {
  const std::vector<float> start = {0};
  MovingAverage average(start, 0.9F);
  const std::vector<float> one = {1};
  average.add(one, 0);  // d = 1 / 10
  EXPECT_NEAR(average.values()[0], 0.9, 1e-6);
  average.add(one, 1);  // d = 2 / 11
  EXPECT_NEAR(average.values()[0], 0.9 + (1 - 2.0 / 11) * 0.1, 1e-6);
  const std::vector<float> two = {2};
  const float before = average.values()[0];
  average.add(two, 1000);  // d = 0.9
  EXPECT_NEAR(average.values()[0], before + 0.1F * (2 - before), 1e-6);
}

TEST(MovingAverage, OfWhatStaysIsThat) {
  const std::vector<float> values = {1.5F, -2.25F};
  MovingAverage average(values, 0.999F);
  for (int step = 0; step < 100; ++step) average.add(values, step);
  EXPECT_THAT(average.values(), ::testing::ElementsAreArray(values));
}

}  // namespace
}  // namespace retinaface::training
