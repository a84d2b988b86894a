#include "evaluation/mesh_error.h"

#include <nlohmann/json.hpp>

#include <gtest/gtest.h>

#include "mesh/topology.h"

namespace retinaface::evaluation {
namespace {

constexpr float kScale = 40;  // px an eye distance

/// The neutral face, seen from the front, in gray.
FaceMesh some_mesh(float x, float y, float scale = kScale) {
  FaceMesh mesh;
  for (const mesh::Vector& v : mesh::topology().neutral) {
    mesh.vertices.push_back({x + scale * v.x, y - scale * v.y, -scale * v.z});
    mesh.colors.push_back({0, 0, 0});
  }
  return mesh;
}

dataset::MeshLabel label_of(const FaceMesh& mesh) {
  dataset::MeshLabel label;
  label.box = {50, 50, 150, 150};  // sqrt(w h) is 100
  label.points_68 = landmarks_68(mesh);
  label.landmarks = mesh::five_of(*label.points_68);
  label.vertices = mesh.vertices;
  label.pose = mesh.pose;
  return label;
}

TEST(MeshError, IsNothingForTheTruth) {
  const FaceMesh mesh = some_mesh(100, 100);
  Face face;
  face.mesh = mesh;
  const MeshError error = mesh_error(face, Image(200, 200), label_of(mesh));
  EXPECT_EQ(error.five, 0);
  EXPECT_EQ(error.points_68, 0);
  EXPECT_EQ(error.depth_68, 0);
  EXPECT_EQ(error.vertices, 0);
  EXPECT_EQ(error.silhouette, 1);
  EXPECT_EQ(error.pose, 0);
  EXPECT_EQ(error.pixel, 0);  // black on black
}

TEST(MeshError, MeasuresAShiftATurnAndAColor) {
  const FaceMesh truth = some_mesh(100, 100);
  FaceMesh moved = some_mesh(103, 104);
  moved.pose = {179, 3, 0};
  for (MeshColor& color : moved.colors) color = {0.3F, 0, 0};
  for (MeshVertex& v : moved.vertices) v.z += 17;  // where depth begins is each mesh's own
  dataset::MeshLabel label = label_of(truth);
  label.pose = HeadPose{-179, 0, 1};
  Face face;
  face.mesh = moved;
  const MeshError error = mesh_error(face, Image(200, 200), label);
  EXPECT_NEAR(error.five, 0.05, 1e-4);  // 3, 4, 5 of 100
  EXPECT_NEAR(*error.points_51, 0.05, 1e-4);
  EXPECT_NEAR(*error.depth_68, 0.05, 1e-4);
  EXPECT_NEAR(*error.depth_51, 0.05, 1e-4);
  EXPECT_NEAR(*error.vertices, 5 / kScale, 1e-3);
  EXPECT_NEAR(*error.pose, 2, 1e-4);  // 2, 3 and 1
  EXPECT_NEAR(error.pixel, 0.1, 1e-4);
  EXPECT_GT(*error.silhouette, 0.85);
  EXPECT_LT(*error.silhouette, 0.97);
}

TEST(MeshReport, LeavesOutWhatIsUnknown) {
  MeshReport report{.faces = 3, .errors = {}};
  report.errors.push_back({.five = 0.02, .points_51 = 0.04, .pixel = 0.1});
  report.errors.push_back({.five = 0.04, .points_51 = 0.02, .pixel = 0.3});
  const nlohmann::json json = to_json(report);
  EXPECT_EQ(json["found"], 2);
  EXPECT_NEAR(json["nme_51"].get<double>(), 3, 1e-9);
  EXPECT_NEAR(json["pixel"].get<double>(), 0.2, 1e-9);
  EXPECT_FALSE(json.contains("iou"));
  ASSERT_EQ(json["by_face"].size(), 2U);
  EXPECT_TRUE(json["by_face"][0].contains("nme_51"));
  EXPECT_FALSE(json["by_face"][0].contains("iou"));
  EXPECT_EQ(format_report(report).find("silhouette"), std::string::npos);
}

}  // namespace
}  // namespace retinaface::evaluation
