#include "detection/large_face_check.h"

#include <cstdint>

#include <gtest/gtest.h>

namespace retinaface::detection {
namespace {

constexpr models::LargeFacePolicy kPolicy;   // the default model's
constexpr Box kFace = {100, 200, 400, 600};  // its view: 800 px of the image, from (-150, 0)

TEST(LargeFaceCheck, IsDueForLargeFacesThatAreSureEnough) {
  EXPECT_TRUE(LargeFaceCheck::is_due(kPolicy, {.score = 0.6F, .box = kFace}));
  EXPECT_FALSE(LargeFaceCheck::is_due(kPolicy, {.score = 0.4F, .box = kFace}));
  EXPECT_FALSE(LargeFaceCheck::is_due(kPolicy, {.score = 0.9F, .box = {0, 0, 250, 250}}));
}

TEST(LargeFaceCheck, ShowsTheFaceInTheMiddleAndBlackBesideTheImage) {
  Image image(1000, 1000);
  for (int y = 0; y < 1000; ++y) {
    for (int x = 0; x < 1000; ++x) image.row(y)[3 * x] = x < 250 ? 100 : 200;
  }
  const LargeFaceCheck check(kPolicy, image.view(), {.score = 0.9F, .box = kFace});
  ASSERT_EQ(check.view().width(), kPolicy.view_px);
  ASSERT_EQ(check.view().height(), kPolicy.view_px);
  const auto red = [&](int x, int y) { return int{check.view().row(y)[3 * x]}; };
  EXPECT_EQ(red(34, 96), 0);  // the image begins at 150 px of 800, which is at 36 of 192
  EXPECT_EQ(red(37, 96), 100);
  EXPECT_EQ(red(94, 0), 100);
  EXPECT_EQ(red(97, 191), 200);
  EXPECT_EQ(red(191, 96), 200);
}

TEST(LargeFaceCheck, OfWhatLiesOutsideIsBlack) {
  const Image image(50, 50);
  const LargeFaceCheck check(kPolicy, image.view(),
                             {.score = 0.9F, .box = {1000, 1000, 1400, 1400}});
  EXPECT_EQ(check.view().row(96)[0], 0);
}

TEST(LargeFaceCheck, ConfirmsByAFaceInTheSamePlaceAlone) {
  const Image image(1000, 1000);
  const LargeFaceCheck check(kPolicy, image.view(), {.score = 0.9F, .box = kFace});
  const Box seen = {60, 48, 132, 144};
  EXPECT_TRUE(check.confirms({{.score = 0.3F, .box = seen}}));
  EXPECT_FALSE(check.confirms({{.score = 0.29F, .box = seen}}));
  EXPECT_FALSE(check.confirms({{.score = 0.9F, .box = {20, 20, 90, 110}}}));
  EXPECT_FALSE(check.confirms({}));
}

TEST(LargeFaceCheck, IsMadeAsThePolicySays) {
  models::LargeFacePolicy policy;
  policy.min_face_px = 401;
  policy.view_px = 96;
  policy.view_by_face = 4;
  policy.min_score_of_unsure = 0.5F;
  policy.min_iou = 0.9F;
  EXPECT_FALSE(LargeFaceCheck::is_due(policy, {.score = 0.9F, .box = kFace}));
  const Image image(1000, 1000);
  const LargeFaceCheck check(policy, image.view(), {.score = 0.9F, .box = kFace});
  EXPECT_EQ(check.view().width(), 96);
  const Box seen = {39, 36, 57, 60};  // 300 x 400 px of 1600, in the middle
  EXPECT_TRUE(check.confirms({{.score = 0.5F, .box = seen}}));
  EXPECT_FALSE(check.confirms({{.score = 0.4F, .box = seen}}));
  EXPECT_FALSE(check.confirms({{.score = 0.5F, .box = {39, 36, 57, 55}}}));
}

TEST(LargeFaceCheck, AsksLessOfWhatWasSureAtFirst) {
  const Image image(1000, 1000);
  const LargeFaceCheck check(kPolicy, image.view(), {.score = 0.995F, .box = kFace});
  const Box seen = {60, 48, 132, 144};
  EXPECT_TRUE(check.confirms({{.score = 0.05F, .box = seen}}));
  EXPECT_FALSE(check.confirms({{.score = 0.04F, .box = seen}}));
}

}  // namespace
}  // namespace retinaface::detection
