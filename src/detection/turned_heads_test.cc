#include "detection/turned_heads.h"

#include <array>
#include <cmath>
#include <numbers>
#include <optional>
#include <vector>

#include <gtest/gtest.h>

namespace retinaface::detection {
namespace {

constexpr models::TurnedHeadPolicy kPolicy;  // the default model's
constexpr float kSide = kPolicy.view_px;
constexpr Box kFace = {100, 60, 140, 120};  // twice 60 px are seen of its surroundings

const Image& black() {
  static const Image kBlack(300, 200);
  return kBlack;
}

/// A face in the middle of view number `place` of a strip, the line of its eyes rolled by `roll`
/// degrees.
Face face_in(int place, float score, float roll = 0) {
  const Point middle = {(static_cast<float>(place) + 0.5F) * kSide, kSide / 2};
  Face face;
  face.score = score;
  face.box = {middle.x - 30, middle.y - 30, middle.x + 30, middle.y + 30};
  const float radians = roll * std::numbers::pi_v<float> / 180;
  const Point eye = {15 * std::cos(radians), 15 * std::sin(radians)};
  face.landmarks = {Point{middle.x - eye.x, middle.y - eye.y},
                    {middle.x + eye.x, middle.y + eye.y},
                    middle,
                    middle,
                    middle};
  return face;
}

std::vector<UprightHead> quarters(const std::vector<Face>& found) {
  return TurnedViews(kPolicy, black(), kFace, TurnedViews::Turns::kQuarters).heads(found);
}

TEST(TurnedViews, LieWhereTheyWereCutOut) {
  for (const auto turns : {TurnedViews::Turns::kQuarters, TurnedViews::Turns::kBetween}) {
    const TurnedViews views(kPolicy, black(), kFace, turns);
    EXPECT_EQ(views.strip().width(), 4 * kPolicy.view_px);
    std::vector<Face> found;
    for (int place = 0; place < 4; ++place) found.push_back(face_in(place, 0.9F));
    const std::vector<UprightHead> heads = views.heads(found);
    ASSERT_EQ(heads.size(), 4U);
    for (std::size_t i = 0; i < heads.size(); ++i) {
      const float degrees =
          90 * static_cast<float>(i) + (turns == TurnedViews::Turns::kBetween ? 45.0F : 0.0F);
      const float radians = degrees * std::numbers::pi_v<float> / 180;
      const Landmarks points = heads[i].landmarks();
      EXPECT_NEAR(points[2].x, 120, 1e-3);
      EXPECT_NEAR(points[2].y, 90, 1e-3);
      constexpr float kEyes = 30 * 120 / kSide;
      EXPECT_NEAR(points[1].x - points[0].x, kEyes * std::cos(radians), 1e-3) << degrees;
      EXPECT_NEAR(points[1].y - points[0].y, kEyes * std::sin(radians), 1e-3) << degrees;
      EXPECT_EQ(heads[i].is_turned(), degrees > 0);
    }
  }
}

TEST(TurnedViews, ShowAsMuchAsThePolicySays) {
  models::TurnedHeadPolicy policy;
  policy.view_px = 64;
  policy.view_by_face = 4;
  const TurnedViews views(policy, black(), kFace, TurnedViews::Turns::kQuarters);
  EXPECT_EQ(views.strip().width(), 4 * 64);
  EXPECT_EQ(views.strip().height(), 64);
  Face face;
  face.box = {96, 16, 112, 48};
  face.landmarks[0] = {96, 32};  // in the middle of the second view, (120, 90) in the image
  const std::vector<UprightHead> heads = views.heads({face});
  ASSERT_EQ(heads.size(), 1U);
  EXPECT_EQ(heads[0].view.width(), 64);
  EXPECT_FLOAT_EQ(heads[0].landmarks()[0].x, 120);
  EXPECT_FLOAT_EQ(heads[0].landmarks()[0].y, 90);
  EXPECT_FLOAT_EQ(heads[0].image_from_view.b, 240.0F / 64);
}

TEST(TurnedViews, ShowNoHeadWhereNoneIsAroundTheMiddle) {
  Face beside = face_in(2, 0.9F);
  beside.box.x1 = beside.box.x0 + 10;
  const std::vector<UprightHead> heads = quarters({beside, face_in(1, 0.3F), face_in(1, 0.6F)});
  ASSERT_EQ(heads.size(), 1U);
  EXPECT_EQ(heads[0].face.score, 0.6F);
}

TEST(MostUpright, IsTheOneWithoutATurnUnlessClearlyBeaten) {
  EXPECT_FALSE(most_upright(kPolicy, {}));
  EXPECT_FALSE(most_upright(kPolicy, quarters({face_in(0, 0.8F), face_in(2, 0.85F)}))->is_turned());
  EXPECT_TRUE(most_upright(kPolicy, quarters({face_in(0, 0.8F), face_in(2, 0.95F)}))->is_turned());
  EXPECT_EQ(most_upright(kPolicy, quarters({face_in(1, 0.8F), face_in(2, 0.81F)}))->face.score,
            0.81F);
  EXPECT_TRUE(
      most_upright({.clearly_better = 0.1F}, quarters({face_in(0, 0.8F), face_in(2, 0.85F)}))
          ->is_turned());
}

TEST(MayStandBetween, OfHeadsThatAreRolledOrHardlyBetterInOneViewThanInAnother) {
  EXPECT_FALSE(may_stand_between(kPolicy, quarters({face_in(0, 0.99F)})));
  EXPECT_FALSE(may_stand_between(kPolicy, quarters({face_in(0, 0.99F, 10), face_in(2, 0.9F)})));
  EXPECT_TRUE(may_stand_between(kPolicy, quarters({face_in(0, 0.99F, 20), face_in(2, 0.9F)})));
  EXPECT_TRUE(may_stand_between(kPolicy, quarters({face_in(0, 0.99F, -20)})));
  EXPECT_TRUE(may_stand_between(kPolicy, quarters({face_in(1, 0.97F), face_in(2, 0.96F)})));
  EXPECT_TRUE(may_stand_between(kPolicy, {}));
  EXPECT_FALSE(may_stand_between({.min_roll = 0.5F}, quarters({face_in(0, 0.99F, 20)})));
  EXPECT_FALSE(
      may_stand_between({.hardly_better = 0.2F}, quarters({face_in(1, 0.97F), face_in(2, 0.96F)})));
}

}  // namespace
}  // namespace retinaface::detection
