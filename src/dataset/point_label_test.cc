#include "dataset/point_label.h"

#include <gtest/gtest.h>

#include "base/file.h"
#include "geometry/box.h"
#include "support/testing.h"

namespace retinaface::dataset {
namespace {

TEST(PointLabel, FacesHaveVisiblePointsAndAnEstimatedBox) {
  const testing::TemporaryFolder folder;
  write_file_atomically(folder / "label.txt",
                        std::string("a.jpg 40 50 60 50 50 60 42 70 58 70 3\n"
                                    "b.jpg 40 50 60 50 50 60 42 70 58 70 5\n"));
  const AnnotationSet set = annotations_of(read_mtfl_txt(folder / "label.txt"));
  ASSERT_EQ(set.size(), 2U);
  const AnnotatedFace& face = set[0].faces.at(0);
  EXPECT_EQ(landmarks_of(face), (Landmarks{{{40, 50}, {60, 50}, {50, 60}, {42, 70}, {58, 70}}}));
  EXPECT_TRUE(face.box_is_estimate);
  EXPECT_EQ(face.attributes.pose, 0);
  EXPECT_EQ(set[1].faces.at(0).attributes.pose, 1) << "a profile";
}

TEST(PointLabel, BoxFollowsThePoints) {
  const Landmarks points = {{{40, 50}, {60, 50}, {50, 60}, {42, 70}, {58, 70}}};
  const Box box = box_around_points(points);
  EXPECT_FLOAT_EQ(box.center().x, 50) << "symmetric points";
  EXPECT_GT(box.height(), box.width());
  for (const Point& point : points) {
    EXPECT_GT(point.x, box.x0);
    EXPECT_LT(point.x, box.x1);
    EXPECT_GT(point.y, box.y0);
    EXPECT_LT(point.y, box.y1);
  }
  Landmarks moved = points;
  for (Point& point : moved) point = {3 * point.x + 100, 3 * point.y - 20};
  const Box expected = {3 * box.x0 + 100, 3 * box.y0 - 20, 3 * box.x1 + 100, 3 * box.y1 - 20};
  EXPECT_GT(iou(box_around_points(moved), expected), 0.9999F);
}

}  // namespace
}  // namespace retinaface::dataset
