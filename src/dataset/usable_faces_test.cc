#include "dataset/usable_faces.h"

#include <gtest/gtest.h>

#include "retinaface/image.h"

#include "support/testing.h"

namespace retinaface::dataset {
namespace {

AnnotatedFace face_with_eye_at(Point eye) {
  AnnotatedFace face{.box = {10, 10, 30, 40}};
  for (AnnotatedPoint& point : face.points) point = {{20, 20}, PointState::kVisible};
  face.points[0].position = eye;
  return face;
}

TEST(UsableFaces, LoseTheirPointsWhereOneLiesFarFromTheBox) {
  TrainingSet set;
  set.annotations = {
      {"a.jpg", {face_with_eye_at({15, 20}), face_with_eye_at({44, 20})}},  // 14 px away: not far
      {"b.jpg", {face_with_eye_at({46, 20}), {.box = {0, 0, 5, 5}, .ignored = true}}},
      {"c.jpg", {{.box = {5, 5, 5, 9}}}}};
  const TrainingSet before = set;
  const UsableFaces usable = keep_usable(set);
  EXPECT_EQ(usable.images, 3U);
  EXPECT_EQ(usable.faces, 3U);
  EXPECT_EQ(usable.ignored, 1U);
  EXPECT_EQ(usable.empty, 1U);
  EXPECT_EQ(usable.far_points, 1U);
  EXPECT_EQ(usable.example, "b.jpg");
  EXPECT_EQ(set.annotations[0], before.annotations[0]);
  EXPECT_EQ(set.annotations[2], before.annotations[2]);
  EXPECT_FALSE(has_landmarks(set.annotations[1].faces[0]));
  EXPECT_EQ(set.annotations[1].faces[0].box, before.annotations[1].faces[0].box);
}

TEST(UsableFaces, OfBoxesOutsideTheirImagesNoneIsInside) {
  const testing::TemporaryFolder folder;
  write_image(folder / "a.png", Image(100, 50));
  write_image(folder / "b.png", Image(100, 50));
  const Box right{100, 10, 120, 30};
  const Box below{10, 50, 30, 70};
  TrainingSet set{folder.path(),
                  {{"a.png", {{.box = right}, {.box = {0, 0, 9, 9}, .ignored = true}}},
                   {"b.png", {{.box = below}, {.box = {-20, 0, 0, 20}}, {.box = {5, 5, 5, 9}}}},
                   {"missing.png", {{.box = {10, 10, 30, 30}}}}}};
  EXPECT_FALSE(any_face_inside(set));
  set.annotations[1].faces.push_back({.box = {90, 40, 120, 70}});  // a corner of it
  EXPECT_TRUE(any_face_inside(set));
  set.annotations = {{"c.png", {{.box = right}}, 110, 50}};  // by the size that is said
  EXPECT_TRUE(any_face_inside(set));
  set.annotations = {{"missing.png", {{.box = right}}}};
  EXPECT_TRUE(any_face_inside(set)) << "that no image can be read is told elsewhere";
}

}  // namespace
}  // namespace retinaface::dataset
