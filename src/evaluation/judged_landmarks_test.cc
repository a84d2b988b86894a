#include "evaluation/judged_landmarks.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "mesh/topology.h"

namespace retinaface::evaluation {
namespace {

constexpr Landmarks kPoints = {{{10, 10}, {30, 10}, {20, 20}, {12, 30}, {28, 30}}};

Landmarks moved(Landmarks points, float dx, float dy) {
  for (Point& point : points) point = {point.x + dx, point.y + dy};
  return points;
}

dataset::AnnotatedFace annotated(const Box& box, const Landmarks& points) {
  dataset::AnnotatedFace face{.box = box};
  for (std::size_t k = 0; k < points.size(); ++k) {
    face.points[k] = {points[k], dataset::PointState::kVisible};
  }
  return face;
}

TEST(JudgedLandmarks, AreThoseOfFacesThatCountAndHaveAllPoints) {
  std::vector<dataset::AnnotatedFace> truth = {
      annotated({0, 0, 40, 40}, kPoints), annotated({100, 0, 110, 10}, kPoints),
      annotated({200, 0, 240, 40}, kPoints), annotated({300, 0, 340, 40}, kPoints)};
  truth[2].ignored = true;
  truth[3].points[1].state = dataset::PointState::kMissing;
  const Face found[] = {{0.9F, {1, 0, 41, 40}, moved(kPoints, 3, 4)},
                        {0.8F, {106, 0, 116, 10}, kPoints}};  // an IoU of 0.25
  const std::vector<LandmarkOutcome> outcomes = judge_landmarks(truth, found);
  ASSERT_EQ(outcomes.size(), 2U);
  EXPECT_EQ(outcomes[0].group, height_group(40));
  ASSERT_TRUE(outcomes[0].error);
  EXPECT_DOUBLE_EQ(outcomes[0].error->by_box, 5.0 / 40);
  EXPECT_EQ(outcomes[1].group, height_group(10));
  EXPECT_FALSE(outcomes[1].error);
}

TEST(JudgedLandmarks, OfAFaceThatFillsItsImageAreFoundInItsMiddle) {
  const dataset::PosedFace truth = {
      .path = "a.jpg", .landmarks = kPoints, .pose = dataset::PoseClass::kRight};
  const Image image(40, 40);
  const auto find = [](const Image& wide) -> std::vector<Face> {
    EXPECT_EQ(wide.width(), 40 + 2 * 75);
    return {{0.4F, {75, 75, 115, 115}, moved(kPoints, 75 + 3, 75 + 4)},
            {0.9F, {0, 0, 20, 20}, kPoints}};
  };
  const LandmarkOutcome outcome = judge_posed_landmarks(truth, image, find);
  EXPECT_EQ(outcome.group, 3U);
  ASSERT_TRUE(outcome.error);
  EXPECT_DOUBLE_EQ(outcome.error->by_box, 5.0 / 40);
  const auto find_nothing = [](const Image&) { return std::vector<Face>(); };
  EXPECT_FALSE(judge_posed_landmarks(truth, image, find_nothing).error);
}

TEST(JudgedLandmarks, AreTheMeshsWhereThereIsOne) {
  FaceMesh mesh;
  for (const mesh::Vector& v : mesh::topology().neutral) mesh.vertices.push_back({v.x, v.y, v.z});
  const Landmarks of_mesh = mesh::five_of(landmarks_68(mesh));
  std::vector<Face> faces(2);
  faces[0].landmarks = faces[1].landmarks = kPoints;
  faces[0].mesh = mesh;
  faces = with_points_of_meshes(std::move(faces));
  for (std::size_t k = 0; k < kPoints.size(); ++k) {
    EXPECT_EQ(faces[0].landmarks[k].x, of_mesh[k].x);
    EXPECT_EQ(faces[1].landmarks[k].x, kPoints[k].x);
  }
}

}  // namespace
}  // namespace retinaface::evaluation
