#include "detection/plausibility.h"

#include <gmock/gmock.h>

namespace retinaface::detection {
namespace {

/// A face whose points lie as in the template of alignment, times `spread`.
Face face_at(float x, float y, float side, float score, float spread = 1) {
  constexpr float kTemplate[5][2] = {
      {-.18F, -.12F}, {.18F, -.12F}, {0, .05F}, {-.14F, .24F}, {.14F, .24F}};
  Face face{.score = score, .box = {x - side / 2, y - side / 2, x + side / 2, y + side / 2}};
  for (std::size_t k = 0; k < 5; ++k) {
    face.landmarks[k] = {x + spread * side * kTemplate[k][0], y + spread * side * kTemplate[k][1]};
  }
  return face;
}

std::vector<float> scores_after(std::vector<Face> faces) {
  drop_implausible(faces);
  std::vector<float> scores;
  for (const Face& face : faces) scores.push_back(face.score);
  return scores;
}

using ::testing::ElementsAre;

TEST(Plausibility, KeepsNeighboursAndFacesInFrontOfOthers) {
  EXPECT_THAT(scores_after({face_at(100, 100, 80, .99F), face_at(165, 100, 80, .9F)}),
              ElementsAre(.99F, .9F));
  // A child before its mother: inside the box, with points of its own.
  EXPECT_THAT(scores_after({face_at(200, 200, 200, .99F), face_at(240, 260, 50, .9F)}),
              ElementsAre(.99F, .9F));
}

TEST(Plausibility, DropsWhatHasItsPointsOnTwoNeighbours) {
  EXPECT_THAT(scores_after({face_at(100, 100, 80, .99F), face_at(180, 100, 80, .98F),
                            face_at(140, 100, 140, .7F)}),
              ElementsAre(.99F, .98F));
}

TEST(Plausibility, DropsWhatIsMadeOfThePointsOfTwoSureNeighboursHoweverSureItIs) {
  EXPECT_THAT(scores_after({face_at(130, 100, 80, .99F), face_at(100, 100, 80, .95F),
                            face_at(160, 100, 80, .92F)}),
              ElementsAre(.95F, .92F));
  EXPECT_THAT(scores_after({face_at(130, 100, 80, .99F), face_at(100, 100, 80, .95F),
                            face_at(160, 100, 80, .85F)}),
              ElementsAre(.99F, .95F, .85F));
  // So close that points of both neighbours are near those of either side.
  EXPECT_THAT(scores_after({face_at(124, 100, 80, .99F), face_at(100, 100, 80, .98F),
                            face_at(148, 100, 80, .97F)}),
              ElementsAre(.98F, .97F));
  // One in the middle with points of its own.
  EXPECT_THAT(scores_after({face_at(165, 100, 80, .99F), face_at(100, 100, 80, .98F),
                            face_at(230, 100, 80, .97F)}),
              ElementsAre(.99F, .98F, .97F));
}

TEST(Plausibility, DropsABoxInABox) {
  EXPECT_THAT(scores_after({face_at(100, 100, 100, .99F), face_at(103, 104, 60, .7F)}),
              ElementsAre(.99F));
  EXPECT_THAT(scores_after({face_at(103, 104, 60, .99F), face_at(100, 100, 100, .7F)}),
              ElementsAre(.99F));
}

TEST(Plausibility, DropsPointsSpreadOverTheBoxUnlessTheyAreSure) {
  EXPECT_THAT(scores_after({face_at(100, 100, 80, .97F, 1.5F)}), ElementsAre());
  EXPECT_THAT(scores_after({face_at(100, 100, 80, .7F, 1.4F)}), ElementsAre());
  EXPECT_THAT(scores_after({face_at(100, 100, 80, .9F, 1.4F)}), ElementsAre(.9F));
  EXPECT_THAT(scores_after({face_at(100, 100, 80, .995F, 1.5F)}), ElementsAre(.995F));
}

TEST(Plausibility, LeavesFaintAndSmallFacesAlone) {
  EXPECT_THAT(scores_after({face_at(100, 100, 60, .99F), face_at(102, 101, 36, .7F, 1.6F)}),
              ElementsAre(.99F, .7F));
  EXPECT_THAT(scores_after({face_at(100, 100, 100, .99F), face_at(103, 104, 60, .4F, 1.6F)}),
              ElementsAre(.99F, .4F));
}

}  // namespace
}  // namespace retinaface::detection
