#include "evaluation/pair_verification.h"

#include <cmath>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace retinaface::evaluation {
namespace {

using ::testing::ElementsAre;
using ::testing::Optional;

TEST(PairVerification, MovesEachPointByAShareOfTheEyesDistance) {
  const Landmarks points = {{{10, 10}, {40, 50}, {20, 20}, {12, 30}, {28, 30}}};  // eyes 50 apart
  const Landmarks near = moved_points(points, 0.02, 3);
  const Landmarks far = moved_points(points, 0.04, 3);
  for (std::size_t k = 0; k < points.size(); ++k) {
    EXPECT_NEAR(std::hypot(near[k].x - points[k].x, near[k].y - points[k].y), 1, 1e-4);
    EXPECT_NEAR(far[k].x - points[k].x, 2 * (near[k].x - points[k].x), 1e-4);  // the same way
  }
  EXPECT_NE(moved_points(points, 0.02, 4)[0].x, near[0].x);
}

TEST(PairVerification, CountsImagesWithoutAFaceAndTheirPairs) {
  PairList pairs;
  pairs.images = {"a", "b", "c", "d"};
  pairs.folds = {{{0, 1, true}, {0, 2, false}, {1, 2, false}, {1, 3, true}}};
  const Embedding east = std::vector<float>{1, 0};
  const Embedding north = std::vector<float>{0, 1};
  const MovedEmbeddings embeddings = {{east, north}, {east, north}, {north, north}, {{}, east}};
  const PairJudgement judgement = judge_pairs("made", pairs, embeddings, 0);
  EXPECT_EQ(judgement.name, "made");
  EXPECT_EQ(judgement.missed, 1U);
  EXPECT_EQ(judgement.result.missed_pairs, 1U);
  ASSERT_EQ(judgement.similarities.size(), 1U);
  EXPECT_THAT(judgement.similarities[0],
              ElementsAre(Optional(1.0F), Optional(0.0F), Optional(0.0F), std::nullopt));
  EXPECT_DOUBLE_EQ(judgement.result.accuracy, 0.75);
  EXPECT_EQ(judge_pairs("made", pairs, embeddings, 1).missed, 0U);
}

}  // namespace
}  // namespace retinaface::evaluation
