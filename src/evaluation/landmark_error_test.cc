#include "evaluation/landmark_error.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace retinaface::evaluation {
namespace {

using ::testing::ElementsAre;

constexpr Landmarks kTruth = {{{10, 10}, {30, 10}, {20, 20}, {12, 30}, {28, 30}}};

Landmarks moved(Landmarks points, float dx, float dy) {
  for (Point& point : points) point = {point.x + dx, point.y + dy};
  return points;
}

TEST(LandmarkError, IsTheMeanDistanceBySize) {
  // All points off by (3, 4): 5 pixels; box 40 x 10, so 20; eyes 20 apart.
  const auto error = landmark_error(moved(kTruth, 3, 4), kTruth, {0, 0, 40, 10});
  EXPECT_DOUBLE_EQ(error.by_box, 0.25);
  EXPECT_DOUBLE_EQ(error.by_eyes, 0.25);
  // One point off by 10: a fifth of it.
  Landmarks one = kTruth;
  one[2].x += 10;
  EXPECT_DOUBLE_EQ(landmark_error(one, kTruth, {0, 0, 10, 10}).by_box, 0.2);
}

TEST(LandmarkError, OfAProfileHasEyesOnePixelApart) {
  Landmarks profile = kTruth;
  profile[1] = profile[0];
  EXPECT_DOUBLE_EQ(landmark_error(moved(profile, 0, 2), profile, {0, 0, 40, 10}).by_eyes, 2);
  EXPECT_DOUBLE_EQ(landmark_error(moved(profile, 0, 2), profile, {5, 5, 5, 5}).by_box, 2);
}

TEST(LandmarkReport, CountsFacesThatWereNotFoundApart) {
  LandmarkReport report = new_report_by_pose();
  report.add(2, LandmarkError{0.04, 0.08});
  report.add(2, LandmarkError{0.2, 0.4});
  report.add(0, std::nullopt);
  EXPECT_EQ(report.all.faces, 3U);
  EXPECT_EQ(report.all.errors.size(), 2U);
  EXPECT_DOUBLE_EQ(report.all.mean(&LandmarkError::by_box), 0.12);
  EXPECT_DOUBLE_EQ(report.all.mean(&LandmarkError::by_eyes), 0.24);
  EXPECT_DOUBLE_EQ(report.all.failures(&LandmarkError::by_eyes), 0.5);
  EXPECT_EQ(report.groups[2].errors.size(), 2U);
  EXPECT_EQ(report.groups[0].faces, 1U);
  EXPECT_EQ(report.groups[0].mean(&LandmarkError::by_box), 0);
}

TEST(LandmarkReport, GroupsByHeight) {
  EXPECT_EQ(height_group(0), 0U);
  EXPECT_EQ(height_group(15.9), 0U);
  EXPECT_EQ(height_group(16), 1U);
  EXPECT_EQ(height_group(5000), new_report_by_height().groups.size() - 1);
}

TEST(AssignFaces, GivesEachFaceToTheBestOfThoseThatFoundIt) {
  const dataset::AnnotatedFace annotated[] = {{.box = {0, 0, 10, 10}}, {.box = {20, 0, 30, 10}}};
  const Face found[] = {{.score = 0.5F, .box = {0, 0, 10, 10}},
                        {.score = 0.9F, .box = {1, 0, 11, 10}},
                        {.score = 0.8F, .box = {26, 0, 36, 10}}};
  EXPECT_THAT(assign_faces(annotated, found, 0.5F),
              ElementsAre(std::optional<std::size_t>(1), std::nullopt));
  EXPECT_THAT(assign_faces(annotated, {}, 0.5F), ElementsAre(std::nullopt, std::nullopt));
}

TEST(WithBorder, HasTheMeanColor) {
  Image image(2, 1);
  const std::uint8_t pixels[] = {0, 10, 200, 5, 30, 201};
  std::copy(pixels, pixels + 6, image.row(0));
  const Image wide = with_border(image, 3);
  EXPECT_EQ(wide.width(), 8);
  EXPECT_EQ(wide.height(), 7);
  EXPECT_EQ(wide.row(0)[0], 3);  // 2.5 rounded
  EXPECT_EQ(wide.row(0)[1], 20);
  EXPECT_EQ(wide.row(6)[23], 201);  // 200.5 rounded
  EXPECT_TRUE(std::equal(pixels, pixels + 6, wide.row(3) + 9));
  EXPECT_EQ(wide.row(3)[8], 201);
}

}  // namespace
}  // namespace retinaface::evaluation
