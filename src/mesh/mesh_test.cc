#include <algorithm>
#include <cmath>
#include <map>
#include <set>
#include <vector>

#include <gtest/gtest.h>

#include "base/random.h"
#include "mesh/camera.h"
#include "mesh/chebyshev.h"
#include "mesh/head.h"
#include "mesh/laplacian.h"
#include "mesh/light.h"
#include "mesh/rasterizer.h"
#include "mesh/rows.h"
#include "mesh/testing.h"
#include "mesh/topology.h"

namespace retinaface::mesh {
namespace {

TEST(Topology, EachEdgeHasOneTriangleOnEachSideOrIsTheRim) {
  for (const Level& level : topology().levels) {
    std::map<std::pair<int, int>, int> half_edges;
    std::set<int> used;
    for (const MeshTriangle& t : level.triangles) {
      for (std::size_t i = 0; i < 3; ++i) {
        used.insert(t[i]);
        EXPECT_EQ(++half_edges[std::pair(t[i], t[(i + 1) % 3])], 1);
      }
    }
    EXPECT_EQ(used.size(), level.vertices);
  }
}

TEST(Topology, LandmarksLieWhereFacesHaveThem) {
  const Topology& t = topology();
  const auto at = [&](std::size_t i) { return t.neutral[t.landmarks_68[i]]; };
  EXPECT_LT(at(36).x, at(39).x);  // the eye at the image's left is 36 to 41
  EXPECT_LT(at(39).x, at(42).x);
  EXPECT_GT(at(30).z, at(36).z);  // the tip of the nose is nearest
  EXPECT_GT(at(36).y, at(30).y);
  EXPECT_GT(at(30).y, at(48).y);
  EXPECT_GT(at(48).y, at(8).y);  // the chin is lowest
  float eyes = 0;
  for (std::size_t i = 0; i < 6; ++i) eyes += (at(42 + i).x - at(36 + i).x) / 6;
  EXPECT_NEAR(eyes, 1, 0.01);  // eye distances are the unit
}

TEST(Topology, UpsamplingPlacesVerticesNearTheirOwn) {
  const Topology& t = topology();
  for (const auto& rows : t.upsampling) {
    for (const UpsampledVertex& row : rows) {
      EXPECT_NEAR(row.weights[0] + row.weights[1] + row.weights[2], 1, 2e-3);
    }
  }
}

/// The Laplacian as a dense matrix in double precision, from the formula.
std::vector<double> dense_laplacian(const Level& level) {
  const std::size_t n = level.vertices;
  std::vector<double> l(n * n);
  for (const MeshTriangle& t : level.triangles) {
    for (std::size_t i = 0; i < 3; ++i) {
      for (std::size_t j = 0; j < 3; ++j) {
        if (i != j) l[t[i] * n + t[j]] = -1;
      }
    }
  }
  for (std::size_t i = 0; i < n; ++i) {
    double degree = 0;
    for (std::size_t j = 0; j < n; ++j) degree -= i == j ? 0 : l[i * n + j];
    l[i * n + i] = degree;
  }
  return l;
}

TEST(ScaledLaplacian, IsTheDenseOneWithItsEigenvaluesInOne) {
  for (const Level& level : topology().levels) {
    const std::size_t n = level.vertices;
    const std::vector<double> l = dense_laplacian(level);
    const ScaledLaplacian scaled(level);
    const std::vector<float> x = normal_values(n, 3);
    std::vector<float> y(n);
    scaled.apply(x, 1, y);
    double largest_row = 0;
    for (std::size_t i = 0; i < n; ++i) {
      double sum = -x[i];
      double row = 0;
      for (std::size_t j = 0; j < n; ++j) {
        sum += 2 / scaled.lambda_max() * l[i * n + j] * x[j];
        row += std::abs(l[i * n + j]);
      }
      EXPECT_NEAR(y[i], sum, 1e-4);
      largest_row = std::max(largest_row, row);
    }
    // Gershgorin from above; and no vector grows, which one of an eigenvalue beyond 1 would.
    EXPECT_LE(scaled.lambda_max(), largest_row * 1.001);
    std::vector<float> v = normal_values(n, 4);
    std::vector<float> w(n);
    for (int step = 0; step < 200; ++step) {
      scaled.apply(v, 1, w);
      double before = 0;
      double after = 0;
      for (std::size_t i = 0; i < n; ++i) {
        before += double{v[i]} * v[i];
        after += double{w[i]} * w[i];
      }
      ASSERT_LE(after, before * (1 + 1e-5));
      std::swap(v, w);
    }
  }
}

TEST(Chebyshev, ConvolvesAsPolynomialsOfTheDenseMatrix) {
  const Level& level = topology().levels.back();
  const std::size_t n = level.vertices;
  const ScaledLaplacian scaled(level);
  constexpr std::size_t kIn = 3;
  constexpr std::size_t kOut = 2;
  constexpr std::size_t kOrder = 4;
  const std::vector<float> x = normal_values(n * kIn, 5);
  const std::vector<float> theta = normal_values(kOrder * kIn * kOut, 6);
  std::vector<double> matrix = dense_laplacian(level);
  for (std::size_t i = 0; i < n * n; ++i) {
    matrix[i] = 2 / scaled.lambda_max() * matrix[i] - (i % (n + 1) == 0 ? 1 : 0);
  }
  // T_0 = 1, T_1 = a, T_2 = 2 a^2 - 1, T_3 = 4 a^3 - 3 a, by powers of the matrix.
  const auto times = [&](const std::vector<double>& v) {
    std::vector<double> result(n * kIn);
    for (std::size_t i = 0; i < n; ++i) {
      for (std::size_t j = 0; j < n; ++j) {
        for (std::size_t c = 0; c < kIn; ++c) {
          result[i * kIn + c] += matrix[i * n + j] * v[j * kIn + c];
        }
      }
    }
    return result;
  };
  const std::vector<double> p0(x.begin(), x.end());
  const std::vector<double> p1 = times(p0);
  const std::vector<double> p2 = times(p1);
  const std::vector<double> p3 = times(p2);
  const std::vector<float> y = chebyshev_convolution(scaled, x, kIn, theta, kOut, kOrder);
  for (std::size_t v = 0; v < n; ++v) {
    for (std::size_t o = 0; o < kOut; ++o) {
      double sum = 0;
      for (std::size_t i = 0; i < kIn; ++i) {
        const std::size_t at = v * kIn + i;
        const double terms[] = {p0[at], p1[at], 2 * p2[at] - p0[at], 4 * p3[at] - 3 * p1[at]};
        for (std::size_t k = 0; k < kOrder; ++k) sum += terms[k] * theta[(k * kIn + i) * kOut + o];
      }
      EXPECT_NEAR(y[v * kOut + o], sum, 1e-4);
    }
  }
}

TEST(Rows, AddAsPlainLoopsDo) {
  for (const auto& [count, size] : {std::pair<std::size_t, std::size_t>{1, 1}, {5, 17}, {9, 131}}) {
    const std::vector<float> rows = normal_values(count * size, 7);
    const std::vector<float> factors = normal_values(count, 8);
    const std::vector<float> x = normal_values(size, 9);
    std::vector<float> sums(size, 1);
    std::vector<float> products(count, 2);
    add_rows(factors, rows, sums);
    add_products(rows, x, products);
    for (std::size_t j = 0; j < size; ++j) {
      double sum = 1;
      for (std::size_t k = 0; k < count; ++k) sum += double{factors[k]} * rows[k * size + j];
      EXPECT_NEAR(sums[j], sum, 1e-5);
    }
    for (std::size_t k = 0; k < count; ++k) {
      double sum = 2;
      for (std::size_t j = 0; j < size; ++j) sum += double{rows[k * size + j]} * x[j];
      EXPECT_NEAR(products[k], sum, 1e-4);
    }
  }
}

TEST(Camera, MeanPoseLooksAtTheViewer) {
  const Camera camera(CameraValues{});
  const Projected p = project(camera, {1, 1, 0});
  EXPECT_NEAR(p.u, kCenterU + kScale, 1e-6);
  EXPECT_NEAR(p.v, kCenterV - kScale, 1e-6);
  // Half the distance nearer: twice as large.
  EXPECT_NEAR(project(camera, {1, 0, kDistance / 2}).u, kCenterU + 2 * kScale, 1e-5);
}

TEST(Camera, TellsAnglesByTheirConvention) {
  constexpr float kRadian = 57.29578F;
  const auto pose = [](Vector turn) { return pose_of(rotation_of(turn)); };
  EXPECT_NEAR(pose({0, 0.5F, 0}).yaw, 0.5F * kRadian, 1e-3);     // z goes to +x, the image's right
  EXPECT_NEAR(pose({-0.4F, 0, 0}).pitch, 0.4F * kRadian, 1e-3);  // z goes to +y, up
  EXPECT_NEAR(pose({0, 0, -0.3F}).roll, 0.3F * kRadian, 1e-3);   // clockwise for the viewer
  const HeadPose behind = pose({0, 2.5F, 0});
  EXPECT_NEAR(behind.yaw, 2.5F * kRadian, 1e-3);
}

TEST(Camera, RotationIsRodrigues) {
  // A third of a turn about the diagonal exchanges the axes.
  const float t = 2.0943951F / std::sqrt(3.0F);
  const Vector v = rotation_of({t, t, t}) * Vector{1, 2, 3};
  EXPECT_NEAR(v.x, 3, 1e-5);
  EXPECT_NEAR(v.y, 1, 1e-5);
  EXPECT_NEAR(v.z, 2, 1e-5);
  const Vector small = rotation_of({0, 0, 1e-5F}) * Vector{1, 0, 0};
  EXPECT_NEAR(small.y, 1e-5, 1e-8);
}

TEST(Light, ShinesFromItsPlace) {
  const Light light(LightValues{});
  const Vector normal = {0, 0, 1};
  // At (0, 2, 0) the light at (0, 2, 8) is straight before the surface.
  EXPECT_NEAR(lit_share(light, {0, 2, 0}, normal), 1, 1e-6);
  EXPECT_EQ(lit_share(light, {0, 2, 0}, {0, 0, -1}), 0);
  EXPECT_NEAR(lit_share(light, {6, 2, 0}, normal), 0.8, 1e-6);  // 8 / 10
  EXPECT_NEAR(shading(light, 1).x, 1.05, 1e-6);
}

TEST(Light, NormalsPointOutwards) {
  const Topology& t = topology();
  const auto normals = vertex_normals(t.neutral, t.levels.front().triangles);
  EXPECT_GT(normals[t.landmarks_68[30]].z, 0.5);
  for (const Vector& normal : normals) EXPECT_NEAR(length(normal), 1, 1e-4);
}

/// For each pixel's centre every triangle, in double precision.
void expect_brute_force(std::span<const RasterVertex> vertices,
                        std::span<const MeshTriangle> triangles, int width, int height) {
  Raster raster;
  rasterize(vertices, triangles, width, height, raster);
  int differing = 0;
  for (int y = 0; y < height; ++y) {
    for (int x = 0; x < width; ++x) {
      double best = -INFINITY;
      double margin = INFINITY;  // to an edge, where either may be right
      for (const MeshTriangle& t : triangles) {
        const RasterVertex& a = vertices[t[0]];
        const RasterVertex& b = vertices[t[1]];
        const RasterVertex& c = vertices[t[2]];
        const auto side = [](double ax, double ay, double bx, double by, double cx, double cy) {
          return (bx - ax) * (cy - ay) - (by - ay) * (cx - ax);
        };
        const double all = -side(a.x, a.y, b.x, b.y, c.x, c.y);
        if (all <= 0) continue;
        const double px = x + 0.5;
        const double py = y + 0.5;
        const double wa = -side(px, py, b.x, b.y, c.x, c.y) / all;
        const double wb = -side(a.x, a.y, px, py, c.x, c.y) / all;
        const double wc = -side(a.x, a.y, b.x, b.y, px, py) / all;
        const double least = std::min({wa, wb, wc});
        margin = std::min(margin, std::abs(least));
        if (least >= 0) best = std::max(best, wa * a.z + wb * b.z + wc * c.z);
      }
      const auto pixel = static_cast<std::size_t>(y * width + x);
      const bool is_covered = raster.triangle[pixel] != kNoTriangle;
      if (is_covered != (best > -INFINITY) ||
          (is_covered && std::abs(raster.depth[pixel] - best) > 1e-3)) {
        EXPECT_LT(margin, 1e-4) << x << ", " << y;
        ++differing;
      } else if (is_covered) {
        const auto& w = raster.weights[pixel];
        EXPECT_NEAR(w[0] + w[1] + w[2], 1, 1e-5);
      }
    }
  }
  EXPECT_LE(differing, 2);
}

TEST(Rasterizer, ShowsWhatBruteForceShows) {
  const Topology& t = topology();
  Random random(11);
  for (int trial = 0; trial < 3; ++trial) {
    const Rotation turn = rotation_of({static_cast<float>(random.normal() * 0.4),
                                       static_cast<float>(random.normal() * 0.7),
                                       static_cast<float>(random.normal() * 0.3)});
    std::vector<RasterVertex> placed;
    for (const Vector& v : t.neutral) {
      const Vector x = turn * v;
      placed.push_back({20 + 12 * x.x, 16 - 12 * x.y, x.z});  // some of it outside
    }
    expect_brute_force(placed, t.levels.front().triangles, 37, 41);
  }
}

TEST(Rasterizer, LeavesOutBacksAndWhatHasNoArea) {
  Raster raster;
  const std::vector<RasterVertex> vertices = {{0, 8, 0}, {8, 8, 0}, {0, 0, 0}, {4, 4, 0}};
  rasterize(vertices, std::vector<MeshTriangle>{{0, 1, 2}}, 8, 8, raster);
  EXPECT_EQ(raster.covered(), 36U);
  rasterize(vertices, std::vector<MeshTriangle>{{0, 2, 1}, {1, 2, 3}}, 8, 8, raster);
  EXPECT_EQ(raster.covered(), 0U);
}

TEST(MeshHead, SaysNothingHuge) {
  constexpr auto kHidden = static_cast<std::int64_t>(MeshHead::kHidden);
  constexpr auto kValues = static_cast<std::int64_t>(kParameters);
  graph::Weights weights;
  const auto add = [&](const char* name, std::vector<std::int64_t> shape, float value) {
    graph::Tensor tensor = graph::Tensor::of_shape(std::move(shape));
    std::ranges::fill(tensor.values(), value);
    weights.tensors.emplace(name, std::move(tensor));
  };
  add("mesh.head.first.weight", {1, kHidden, 2 + static_cast<std::int64_t>(kFaceValues)}, 1);
  add("mesh.head.first.bias", {1, kHidden}, 0);
  add("mesh.head.second.weight", {kValues, kHidden}, 1);
  add("mesh.head.second.bias", {kValues}, 0);
  const MeshHead head(weights, 1, 2, "test");
  Face face;
  face.box = {0, 0, 10, 10};
  for (const float feature : {-1e3F, 1e3F}) {
    Parameters said = head.evaluate(0, std::vector<float>{feature, feature}, face);
    for (const float value : values_of(said)) {
      EXPECT_EQ(value, std::copysign(MeshHead::kMaxValue, feature));
    }
  }
}

TEST(Camera, TurnedPosesAreThoseOfTheImageTurned) {
  for (const HeadPose& pose : {HeadPose{0, 0, 0}, {30, -20, 10}, {-50, 25, -70}}) {
    const HeadPose same = turned_pose(pose, 0);
    EXPECT_NEAR(same.yaw, pose.yaw, 1e-3);
    EXPECT_NEAR(same.pitch, pose.pitch, 1e-3);
    EXPECT_NEAR(same.roll, pose.roll, 1e-3);
    // All the way around in steps.
    HeadPose around = pose;
    for (int i = 0; i < 4; ++i) around = turned_pose(around, 90);
    EXPECT_NEAR(around.yaw, pose.yaw, 1e-2);
    EXPECT_NEAR(around.pitch, pose.pitch, 1e-2);
    EXPECT_NEAR(around.roll, pose.roll, 1e-2);
  }
  const HeadPose rolled = turned_pose({0, 0, 5}, 90);
  EXPECT_NEAR(rolled.roll, 95, 1e-3);
  // Who looks to the right of an image looks down once it is turned clockwise.
  EXPECT_NEAR(turned_pose({30, 0, 0}, 90).pitch, -30, 1e-3);
}

}  // namespace
}  // namespace retinaface::mesh
