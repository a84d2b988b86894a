#include "pipeline/mesh_files.h"

#include <algorithm>
#include <cmath>
#include <sstream>
#include <string>

#include <gtest/gtest.h>

#include "mesh/topology.h"
#include "pipeline/draw_mesh.h"
#include "support/testing.h"

namespace retinaface::pipeline {
namespace {

/// The neutral face around (60, 50), an eye distance of 20 pixels.
FaceMesh some_mesh() {
  FaceMesh mesh;
  for (const mesh::Vector& v : mesh::topology().neutral) {
    mesh.vertices.push_back({60 + 20 * v.x, 50 - 20 * v.y, -20 * v.z});
    mesh.colors.push_back({1, 0.5F, 0.25F});
  }
  return mesh;
}

TEST(MeshFiles, ObjStandsUprightAndIsWhole) {
  const FaceMesh mesh = some_mesh();
  std::istringstream text(to_obj(mesh));
  std::string line;
  std::vector<mesh::Vector> vertices;
  double area = 0;  // as seen from the front, where y is up
  std::size_t faces = 0;
  while (std::getline(text, line)) {
    std::istringstream words(line);
    std::string kind;
    words >> kind;
    if (kind == "v") {
      mesh::Vector v;
      float red = 0;
      float green = 0;
      float blue = 0;
      words >> v.x >> v.y >> v.z >> red >> green >> blue;
      EXPECT_TRUE(words);
      EXPECT_EQ(green, 0.5F);
      vertices.push_back(v);
    } else if (kind == "f") {
      std::size_t a = 0;
      std::size_t b = 0;
      std::size_t c = 0;
      words >> a >> b >> c;
      ASSERT_TRUE(a >= 1 && b >= 1 && c >= 1 && std::max({a, b, c}) <= vertices.size());
      const auto n = cross(vertices[b - 1] - vertices[a - 1], vertices[c - 1] - vertices[a - 1]);
      area += n.z;
      ++faces;
    }
  }
  EXPECT_EQ(vertices.size(), kMeshVertices);
  EXPECT_EQ(faces, mesh_triangles().size());
  EXPECT_GT(area, 0);
  const auto& points = mesh::topology().landmarks_68;
  EXPECT_GT(vertices[points[27]].y, vertices[points[8]].y);  // the brow above the chin
  EXPECT_GT(vertices[points[30]].z, vertices[points[8]].z);  // the nose before it
}

TEST(MeshFiles, PlySaysWhatItHolds) {
  const std::string text = to_ply(some_mesh());
  EXPECT_TRUE(text.starts_with("ply\nformat ascii 1.0\n"));
  EXPECT_NE(text.find("element vertex 1024\n"), std::string::npos);
  EXPECT_NE(text.find(" 255 128 64\n"), std::string::npos);
  const std::size_t body = text.find("end_header\n") + 11;
  EXPECT_EQ(static_cast<std::size_t>(
                std::count(text.begin() + static_cast<long>(body), text.end(), '\n')),
            kMeshVertices + mesh_triangles().size());
}

TEST(DrawMesh, PaintsTheFaceAndNothingElse) {
  for (const bool is_shaded : {false, true}) {
    Image image(120, 100);
    is_shaded ? draw_shaded(image, some_mesh()) : draw_wireframe(image, some_mesh());
    std::size_t painted = 0;
    for (int y = 0; y < image.height(); ++y) {
      for (int x = 0; x < image.width(); ++x) {
        if (image.row(y)[3 * x + 1] == 0) continue;
        ++painted;
        EXPECT_LE(std::hypot(x - 60, y - 50), 45) << x << ", " << y;
      }
    }
    EXPECT_GT(painted, is_shaded ? 1000U : 400U);
    if (is_shaded) {
      EXPECT_EQ(image.row(50)[3 * 60], 255);
      EXPECT_EQ(image.row(50)[3 * 60 + 2], 64);
    }
  }
}

TEST(DrawMesh, StaysWithinTheImage) {
  FaceMesh mesh = some_mesh();
  for (MeshVertex& v : mesh.vertices) v.x -= 70;  // most of it outside
  const auto painted = [](const Image& image) {
    return 3 * image.width() * image.height() -
           std::count(image.row(0), image.row(image.height()), 0);
  };
  Image wire(50, 40);
  draw_wireframe(wire, mesh);
  EXPECT_GT(painted(wire), 0);
  Image shaded(50, 40);
  draw_shaded(shaded, mesh);
  EXPECT_GT(painted(shaded), 0);
  for (int y = 0; y < 40; ++y) EXPECT_EQ(shaded.row(y)[3 * 49], 0);  // it ends before that
  Image nothing(50, 40);
  for (MeshVertex& v : mesh.vertices) v.x = -1e9F;
  draw_wireframe(nothing, mesh);
  draw_shaded(nothing, mesh);
  mesh.vertices.clear();
  draw_wireframe(nothing, mesh);
  EXPECT_EQ(painted(nothing), 0);
}

}  // namespace
}  // namespace retinaface::pipeline
