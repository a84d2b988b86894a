#include "detection/refinement.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

namespace retinaface::detection {
namespace {

const models::SearchPolicy kPolicy;  // the default model's
constexpr int kWidth = 640;
constexpr int kHeight = 480;
constexpr double kOneCrop_px = 96 * 96;  // of the network's input

RefinementCandidate candidate(float score, float x, float y) {
  return {score, {x, y}};
}

TEST(FindCandidates, TakesPeaksOfTheSmallestAnchors) {
  // 3 x 4 cells with two anchors each; the logits "face" of the first anchor, "no face" is zero.
  constexpr std::array<float, 12> kFace = {-9, -9, -9, 1,   //
                                           -9, 2,  1,  -9,  //
                                           -9, -9, -9, -5};
  std::array<float, 48> planes{};
  std::ranges::fill(planes, 0.0F);
  std::ranges::copy(kFace, planes.begin() + 12);
  std::fill(planes.begin() + 36, planes.end(), 8.0F);  // the second anchor is sure everywhere
  const runtime::FeatureMap cls = {.data = planes.data(), .channels = 4, .height = 3, .width = 4};
  std::vector<RefinementCandidate> candidates;
  find_candidates(kPolicy, cls, models::face_heads()[0], {8, {16, 32}}, candidates);
  ASSERT_EQ(candidates.size(),
            2U);  // the corner's 1 is a peak, the middle's is not; -5 is too little
  EXPECT_EQ(candidates[0].center, (Point{28, 4}));
  EXPECT_NEAR(candidates[0].score, 1 / (1 + std::exp(-1.0)), 1e-6);
  EXPECT_EQ(candidates[1].center, (Point{12, 12}));
}

TEST(RefinementCrops, AreWhereNoSureFaceIs) {
  const std::vector<Face> faces = {{.score = 0.9F, .box = {290, 190, 310, 210}},
                                   {.score = 0.3F, .box = {90, 190, 110, 210}}};
  const auto crops =
      refinement_crops(kPolicy, {candidate(0.8F, 300, 200), candidate(0.2F, 100, 200)}, faces,
                       kWidth, kHeight, 10 * kOneCrop_px);
  ASSERT_EQ(crops.size(), 1U);
  EXPECT_EQ(crops[0].x, 100 - 16);
  EXPECT_EQ(crops[0].y, 200 - 16);
}

TEST(RefinementCrops, TakeTheLikeliestThatTheBudgetAllows) {
  std::vector<RefinementCandidate> candidates;
  for (int i = 0; i < 9; ++i) {
    const auto place = static_cast<float>(i);
    candidates.push_back(candidate(0.1F + 0.02F * place, 40 + 60 * place, 60));
  }
  const auto crops = refinement_crops(kPolicy, candidates, {}, kWidth, kHeight, 2.9 * kOneCrop_px);
  ASSERT_EQ(crops.size(), 2U);
  EXPECT_EQ(crops[0].x, 40 + 60 * 8 - 16);
  EXPECT_EQ(crops[1].x, 40 + 60 * 7 - 16);
  EXPECT_TRUE(
      refinement_crops(kPolicy, candidates, {}, kWidth, kHeight, 0.9 * kOneCrop_px).empty());
  EXPECT_TRUE(refinement_crops(kPolicy, candidates, {}, kWidth, kHeight, -1).empty());
}

TEST(RefinementCrops, OneServesNeighbours) {
  const auto crops =
      refinement_crops(kPolicy, {candidate(0.3F, 100, 100), candidate(0.2F, 104, 103)}, {}, kWidth,
                       kHeight, 10 * kOneCrop_px);
  EXPECT_EQ(crops.size(), 1U);
}

TEST(RefinementCrops, StayWithinTheImage) {
  for (const auto& [x, y] : {std::pair{1.0F, 1.0F}, {639.0F, 479.0F}, {-5.0F, 500.0F}}) {
    const auto crops =
        refinement_crops(kPolicy, {candidate(0.2F, x, y)}, {}, kWidth, kHeight, 10 * kOneCrop_px);
    ASSERT_EQ(crops.size(), 1U);
    EXPECT_GE(crops[0].x, 0);
    EXPECT_GE(crops[0].y, 0);
    EXPECT_LE(crops[0].x + kPolicy.crop_side_px, kWidth);
    EXPECT_LE(crops[0].y + kPolicy.crop_side_px, kHeight);
  }
  EXPECT_EQ(
      refinement_crops(kPolicy, {candidate(0.2F, 20, 20)}, {}, 32, 32, 10 * kOneCrop_px).size(),
      1U);
  EXPECT_TRUE(
      refinement_crops(kPolicy, {candidate(0.2F, 20, 20)}, {}, 31, 32, 10 * kOneCrop_px).empty());
}

TEST(IsSeenBy, IsThatOfSmallFacesAwayFromTheEdge) {
  const RefinementCrop crop = {100, 200};
  const auto seen = [&](float x, float y, float side) {
    return is_seen_by(kPolicy, crop,
                      {.box = {x - side / 2, y - side / 2, x + side / 2, y + side / 2}});
  };
  EXPECT_TRUE(seen(116, 216, 12));
  EXPECT_TRUE(seen(116, 216, 23.5F));
  EXPECT_FALSE(seen(116, 216, 24));  // max_refined_px
  EXPECT_TRUE(seen(108, 216, 12));
  EXPECT_FALSE(seen(107, 216, 12));  // crop_margin_px
  EXPECT_FALSE(seen(116, 224, 12));
}

TEST(RefinementCrops, HaveTheSideOfThePolicy) {
  models::SearchPolicy policy;
  policy.crop_side_px = 64;
  policy.crop_scale = 2;
  const auto crops =
      refinement_crops(policy, {candidate(0.3F, 100, 200)}, {}, kWidth, kHeight, 128 * 128);
  ASSERT_EQ(crops.size(), 1U);
  EXPECT_EQ(crops[0].x, 100 - 32);
  EXPECT_EQ(crops[0].y, 200 - 32);
  EXPECT_TRUE(
      refinement_crops(policy, {candidate(0.3F, 100, 200)}, {}, kWidth, kHeight, 128 * 128 - 1)
          .empty());
}

TEST(CandidateScoreOf, IsTheBestWithinEightPixels) {
  const Face face = {.score = 0.9F, .box = {94, 94, 106, 106}};  // its center: 100, 100
  const RefinementCandidate nearest = candidate(0.1F, 101, 100);
  const RefinementCandidate best = candidate(0.2F, 105, 103);
  const RefinementCandidate far = candidate(0.9F, 108.1F, 100);
  EXPECT_EQ(candidate_score_of(kPolicy, face, {nearest, best, far}), 0.2F);
  EXPECT_EQ(candidate_score_of(kPolicy, face, {far, best, nearest}), 0.2F);
  EXPECT_EQ(candidate_score_of(kPolicy, face, {far}), kPolicy.min_candidate_score);
  EXPECT_EQ(candidate_score_of(kPolicy, face, {}), kPolicy.min_candidate_score);
}

TEST(CombinedScore, LiesBetweenAndNearerToTheCrop) {
  EXPECT_NEAR(combined_score(kPolicy, 0.5F, 0.5F), 0.5F, 1e-6F);
  // Odds of 1 to 9 and twice 9 to 1: the cube root of 9.
  EXPECT_NEAR(combined_score(kPolicy, 0.9F, 0.1F), std::cbrt(9.0) / (1 + std::cbrt(9.0)), 1e-6);
  EXPECT_GT(combined_score(kPolicy, 1, kPolicy.min_candidate_score), 0.9F);
  EXPECT_LT(combined_score(kPolicy, 0, 0.4F), 0.01F);
}

}  // namespace
}  // namespace retinaface::detection
