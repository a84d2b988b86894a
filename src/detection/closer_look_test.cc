#include "detection/closer_look.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

namespace retinaface::detection {
namespace {

constexpr int kWidth = 640;
constexpr int kHeight = 480;
constexpr double kOneLook_px = 96 * 96;  // of the network's input

Suspect suspect(float score, float x, float y) {
  return {score, {x, y}};
}

TEST(FindSuspects, TakesPeaksOfTheSmallestAnchors) {
  // 3 x 4 cells with two anchors each; the logits "face" of the first anchor, "no face" is zero.
  constexpr std::array<float, 12> kFace = {-9, -9, -9, 1,   //
                                           -9, 2,  1,  -9,  //
                                           -9, -9, -9, -5};
  std::array<float, 48> planes{};
  std::ranges::fill(planes, 0.0F);
  std::ranges::copy(kFace, planes.begin() + 12);
  std::fill(planes.begin() + 36, planes.end(), 8.0F);  // the second anchor is sure everywhere
  const runtime::FeatureMap cls = {.data = planes.data(), .channels = 4, .height = 3, .width = 4};
  std::vector<Suspect> suspects;
  find_suspects(cls, {8, {16, 32}}, suspects);
  ASSERT_EQ(suspects.size(),
            2U);  // the corner's 1 is a peak, the middle's is not; -5 is too little
  EXPECT_EQ(suspects[0].center, (Point{28, 4}));
  EXPECT_NEAR(suspects[0].score, 1 / (1 + std::exp(-1.0)), 1e-6);
  EXPECT_EQ(suspects[1].center, (Point{12, 12}));
}

TEST(CloserLooks, AreWhereNoSureFaceIs) {
  const std::vector<Face> faces = {{.score = 0.9F, .box = {290, 190, 310, 210}},
                                   {.score = 0.3F, .box = {90, 190, 110, 210}}};
  const auto looks = closer_looks({suspect(0.8F, 300, 200), suspect(0.2F, 100, 200)}, faces, kWidth,
                                  kHeight, 10 * kOneLook_px);
  ASSERT_EQ(looks.size(), 1U);
  EXPECT_EQ(looks[0].x, 100 - 16);
  EXPECT_EQ(looks[0].y, 200 - 16);
}

TEST(CloserLooks, TakeTheLikeliestThatTheBudgetAllows) {
  std::vector<Suspect> suspects;
  for (int i = 0; i < 9; ++i) {
    const auto place = static_cast<float>(i);
    suspects.push_back(suspect(0.1F + 0.02F * place, 40 + 60 * place, 60));
  }
  const auto looks = closer_looks(suspects, {}, kWidth, kHeight, 2.9 * kOneLook_px);
  ASSERT_EQ(looks.size(), 2U);
  EXPECT_EQ(looks[0].x, 40 + 60 * 8 - 16);
  EXPECT_EQ(looks[1].x, 40 + 60 * 7 - 16);
  EXPECT_TRUE(closer_looks(suspects, {}, kWidth, kHeight, 0.9 * kOneLook_px).empty());
  EXPECT_TRUE(closer_looks(suspects, {}, kWidth, kHeight, -1).empty());
}

TEST(CloserLooks, OneServesNeighbours) {
  const auto looks = closer_looks({suspect(0.3F, 100, 100), suspect(0.2F, 104, 103)}, {}, kWidth,
                                  kHeight, 10 * kOneLook_px);
  EXPECT_EQ(looks.size(), 1U);
}

TEST(CloserLooks, StayWithinThePicture) {
  for (const auto& [x, y] : {std::pair{1.0F, 1.0F}, {639.0F, 479.0F}, {-5.0F, 500.0F}}) {
    const auto looks = closer_looks({suspect(0.2F, x, y)}, {}, kWidth, kHeight, 10 * kOneLook_px);
    ASSERT_EQ(looks.size(), 1U);
    EXPECT_GE(looks[0].x, 0);
    EXPECT_GE(looks[0].y, 0);
    EXPECT_LE(looks[0].x + kLookSide_px, kWidth);
    EXPECT_LE(looks[0].y + kLookSide_px, kHeight);
  }
  EXPECT_EQ(closer_looks({suspect(0.2F, 20, 20)}, {}, 32, 32, 10 * kOneLook_px).size(), 1U);
  EXPECT_TRUE(closer_looks({suspect(0.2F, 20, 20)}, {}, 31, 32, 10 * kOneLook_px).empty());
}

TEST(SuspicionOf, IsThatOfTheNearest) {
  const Face face = {.score = 0.9F, .box = {94, 94, 106, 106}};
  EXPECT_EQ(suspicion_of(face, {suspect(0.2F, 105, 103), suspect(0.9F, 120, 100)}), 0.2F);
  EXPECT_EQ(suspicion_of(face, {}), kLeastSuspicion);
}

TEST(CombinedScore, LiesBetweenAndNearerToTheLook) {
  EXPECT_NEAR(combined_score(0.5F, 0.5F), 0.5F, 1e-6F);
  // Odds of 1 to 9 and twice 9 to 1: the cube root of 9.
  EXPECT_NEAR(combined_score(0.9F, 0.1F), std::cbrt(9.0) / (1 + std::cbrt(9.0)), 1e-6);
  EXPECT_GT(combined_score(1, kLeastSuspicion), 0.9F);
  EXPECT_LT(combined_score(0, 0.4F), 0.01F);
}

}  // namespace
}  // namespace retinaface::detection
