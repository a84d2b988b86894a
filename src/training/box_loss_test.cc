#include "training/box_loss.h"

#include <gtest/gtest.h>

#include "base/random.h"
#include "detection/box_coding.h"
#include "geometry/box.h"

namespace retinaface::training {
namespace {

const models::AnchorFamily kFamily;
constexpr detection::Anchor kAnchor = {{20, 12}, 16};

using Gradients = detection::BoxOffsets;

double loss_of(BoxLoss kind, const detection::BoxOffsets& offsets, const Box& face,
               Gradients& gradients, double factor = 1) {
  return BoxFit(kAnchor, offsets.data(), face, kFamily).loss(kind, factor, gradients.data());
}

double loss_of(BoxLoss kind, const detection::BoxOffsets& offsets, const Box& face) {
  Gradients gradients{};
  return loss_of(kind, offsets, face, gradients);
}

TEST(BoxLoss, EqualsExamplesWorkedByHand) {
  // Offsets of zero are the anchor itself: 12 4 28 20. The face is half of it, 12 4 28 12, then as
  // large beside it with a gap of 8, 36 4 52 20.
  const Box half = {12, 4, 28, 12};
  EXPECT_NEAR(BoxFit(kAnchor, Gradients{}.data(), half, kFamily).iou(), 0.5, 1e-9);
  EXPECT_NEAR(loss_of(BoxLoss::kGiou, {}, half), 0.5, 1e-9);
  EXPECT_NEAR(loss_of(BoxLoss::kDiou, {}, half), 0.5 + 16.0 / 512, 1e-9);
  const Box beside = {36, 4, 52, 20};
  EXPECT_NEAR(loss_of(BoxLoss::kGiou, {}, beside), 1 + 8.0 / 40, 1e-9);
  EXPECT_NEAR(loss_of(BoxLoss::kDiou, {}, beside), 1 + 576.0 / (1600 + 256), 1e-9);
}

TEST(BoxLoss, IsNothingForTheFacesOwnBox) {
  const Box face = {9, 3, 22, 31};
  const detection::BoxOffsets offsets = detection::encode_box(kAnchor, face, kFamily);
  for (const BoxLoss kind : {BoxLoss::kGiou, BoxLoss::kDiou}) {
    EXPECT_NEAR(loss_of(kind, offsets, face), 0, 1e-6);
  }
}

TEST(BoxLoss, DerivativesEqualFiniteDifferences) {
  Random random(3);
  int apart = 0;
  for (int round = 0; round < 200; ++round) {
    detection::BoxOffsets offsets{};
    for (float& offset : offsets) offset = static_cast<float>(4 * random.normal());
    const auto x = static_cast<float>(random.uniform(0, 40));
    const auto y = static_cast<float>(random.uniform(0, 24));
    const Box face = {x, y, x + static_cast<float>(random.uniform(3, 30)),
                      y + static_cast<float>(random.uniform(3, 30))};
    apart += iou(detection::decode_box(kAnchor, offsets, kFamily), face) == 0 ? 1 : 0;
    for (const BoxLoss kind : {BoxLoss::kGiou, BoxLoss::kDiou}) {
      Gradients gradients{};
      loss_of(kind, offsets, face, gradients, 0.5);
      for (std::size_t i = 0; i < 4; ++i) {
        constexpr float kStep = 1.0F / 512;
        auto above = offsets;
        auto below = offsets;
        above[i] += kStep;
        below[i] -= kStep;
        const double numeric = 0.5 * (loss_of(kind, above, face) - loss_of(kind, below, face)) /
                               (2 * static_cast<double>(kStep));
        EXPECT_NEAR(static_cast<double>(gradients[i]), numeric, 2e-4) << round << " " << i;
      }
    }
  }
  EXPECT_GT(apart, 10) << "boxes that share nothing have to be pulled as well";
  EXPECT_LT(apart, 150);
}

TEST(BoxLoss, StaysFiniteAndPullsBackFromExtremeOffsets) {
  const Box face = {9, 3, 22, 31};
  for (const BoxLoss kind : {BoxLoss::kGiou, BoxLoss::kDiou}) {
    Gradients gradients{};
    EXPECT_TRUE(std::isfinite(loss_of(kind, {0, 0, 1e6F, 1e6F}, face, gradients)));
    for (const float gradient : gradients) EXPECT_TRUE(std::isfinite(gradient));
    EXPECT_GE(gradients[2], 0);
    EXPECT_GE(gradients[3], 0);
    gradients = {};
    EXPECT_TRUE(std::isfinite(loss_of(kind, {0, 0, -1e6F, -1e6F}, face, gradients)));
    for (const float gradient : gradients) EXPECT_TRUE(std::isfinite(gradient));
  }
}

}  // namespace
}  // namespace retinaface::training
