#include "evaluation/chosen_face.h"

#include <gtest/gtest.h>

namespace retinaface::evaluation {
namespace {

TEST(BestFaceAround, ContainsThePoint) {
  const Face faces[] = {{.score = 0.5F, .box = {0, 0, 10, 10}},
                        {.score = 0.6F, .box = {4, 4, 12, 12}},
                        {.score = 0.9F, .box = {20, 0, 30, 10}}};
  EXPECT_EQ(best_face_around(faces, {5, 5}), &faces[1]);
  EXPECT_EQ(best_face_around(faces, {1, 1}), &faces[0]);
  EXPECT_EQ(best_face_around(faces, {50, 50}), nullptr);
  EXPECT_EQ(best_face_around(faces, {20, 0}), &faces[2]);
  EXPECT_EQ(best_face_around(faces, {30, 10}), nullptr);  // where the next pixel begins
}

TEST(BestFaceOn, OverlapsTheBoxMost) {
  const Face faces[] = {{.score = 0.5F, .box = {0, 0, 10, 10}},
                        {.score = 0.6F, .box = {2, 0, 12, 10}},
                        {.score = 0.9F, .box = {2, 0, 12, 10}}};
  EXPECT_EQ(best_face_on(faces, {3, 0, 13, 10}, 0.5F), &faces[1]);
  EXPECT_EQ(best_face_on(faces, {0, 0, 10, 10}, 0.5F), &faces[0]);
  EXPECT_EQ(best_face_on(faces, {9, 0, 19, 10}, 0.5F), nullptr);
  EXPECT_EQ(best_face_on({}, {0, 0, 10, 10}, 0.5F), nullptr);
}

}  // namespace
}  // namespace retinaface::evaluation
