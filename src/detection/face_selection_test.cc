#include "detection/face_selection.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace retinaface::detection {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

Face face(float score, float width, float height) {
  return {score, {0, 0, width, height}, {}};
}

TEST(FaceSelection, KeepsTheBestThatAreSureAndLargeEnough) {
  const std::vector<Face> found = {face(0.9F, 50, 9), face(0.8F, 20, 10), face(0.7F, 40, 40),
                                   face(0.5F, 99, 99), face(0.2F, 99, 99)};
  EXPECT_THAT(select_faces(found, {.min_score = 0.5F}, 100, 100), ElementsAre(0, 1, 2, 3));
  EXPECT_THAT(select_faces(found, {.min_score = 0.5F, .min_size_px = 10}, 100, 100),
              ElementsAre(1, 2, 3));
  EXPECT_THAT(select_faces(found, {.min_score = 0.5F, .max_faces = 2, .min_size_px = 10}, 100, 100),
              ElementsAre(1, 2));
  EXPECT_THAT(select_faces(found, {.min_score = 0.95F}, 100, 100), IsEmpty());
}

TEST(FaceSelection, LeavesOutWhatAClipLeavesNothingOf) {
  const std::vector<Face> found = {{0.9F, {-9, 0, -1, 8}, {}}, {0.8F, {-4, 0, 4, 8}, {}}};
  EXPECT_THAT(select_faces(found, {}, 100, 100), ElementsAre(0, 1));
  EXPECT_THAT(select_faces(found, {.max_faces = 1, .clip_to_image = true}, 100, 100),
              ElementsAre(1));
}

}  // namespace
}  // namespace retinaface::detection
