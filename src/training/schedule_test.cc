#include "training/schedule.h"

#include <gtest/gtest.h>

namespace retinaface::training {
namespace {

constexpr std::int64_t kSteps = 10;  // an epoch

TEST(Schedule, FallsAtTheMilestones) {
  const ScheduleOptions options = {.learning_rate = 1, .epochs = 80, .milestones = {55, 68}};
  EXPECT_NEAR(learning_rate(options, 0, kSteps), 1, 1e-7);
  EXPECT_NEAR(learning_rate(options, 549, kSteps), 1, 1e-7);
  EXPECT_NEAR(learning_rate(options, 550, kSteps), 0.1, 1e-7);
  EXPECT_NEAR(learning_rate(options, 679, kSteps), 0.1, 1e-7);
  EXPECT_NEAR(learning_rate(options, 680, kSteps), 0.01, 1e-7);
}

TEST(Schedule, RisesDuringTheWarmUp) {
  // The paper's: from 1e-3 to 1e-2 over 5 epochs.
  const ScheduleOptions options = {.learning_rate = 0.01F, .epochs = 80, .warmup_epochs = 5};
  EXPECT_NEAR(learning_rate(options, 0, kSteps), 1e-3, 1e-9);
  EXPECT_NEAR(learning_rate(options, 25, kSteps), 5.5e-3, 1e-9);
  EXPECT_NEAR(learning_rate(options, 50, kSteps), 1e-2, 1e-9);
  for (std::int64_t step = 0; step < 50; ++step) {
    EXPECT_LT(learning_rate(options, step, kSteps), learning_rate(options, step + 1, kSteps));
  }
}

TEST(Schedule, FollowsHalfACosine) {
  const ScheduleOptions options = {.learning_rate = 1,
                                   .epochs = 12,
                                   .warmup_epochs = 2,
                                   .decay = Decay::kCosine,
                                   .final_factor = 0.1F};
  EXPECT_NEAR(learning_rate(options, 20, kSteps), 1, 1e-7);
  EXPECT_NEAR(learning_rate(options, 70, kSteps), 0.55, 1e-6);  // half way
  EXPECT_NEAR(learning_rate(options, 120, kSteps), 0.1, 1e-6);
  EXPECT_NEAR(learning_rate(options, 500, kSteps), 0.1, 1e-6);  // and stays
}

TEST(Schedule, TakesARunThatIsAllWarmUp) {
  const ScheduleOptions options = {
      .learning_rate = 1, .epochs = 2, .warmup_epochs = 2, .decay = Decay::kCosine};
  EXPECT_NEAR(learning_rate(options, 19, kSteps), 0.1 + 0.9 * 0.95, 1e-6);
  EXPECT_GE(learning_rate(options, 20, kSteps), 0);
}

}  // namespace
}  // namespace retinaface::training
