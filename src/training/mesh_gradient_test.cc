#include "training/mesh_gradient.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <vector>

#include <gtest/gtest.h>

#include "base/random.h"
#include "mesh/topology.h"
#include "training/mesh_fit.h"
#include "training/mesh_loss.h"

namespace retinaface::training {
namespace {

using mesh::Vector;

std::vector<float> normal_values(std::size_t count, double deviation, std::uint64_t seed) {
  Random random(seed);
  std::vector<float> values(count);
  for (float& value : values) value = static_cast<float>(random.normal() * deviation);
  return values;
}

std::vector<Vector> normal_vectors(std::size_t count, double deviation, std::uint64_t seed) {
  const std::vector<float> values = normal_values(3 * count, deviation, seed);
  std::vector<Vector> vectors(count);
  for (std::size_t i = 0; i < count; ++i) {
    vectors[i] = {values[3 * i], values[3 * i + 1], values[3 * i + 2]};
  }
  return vectors;
}

/// Of the derivatives by each of the values and central differences of `f`, which reads them.
double cosine(std::span<float> values, std::span<const float> gradient, float step,
              const std::function<double()>& f, std::size_t every = 1) {
  double product = 0;
  double ours = 0;
  double theirs = 0;
  for (std::size_t i = 0; i < values.size(); i += every) {
    const float kept = values[i];
    values[i] = kept + step;
    const double above = f();
    values[i] = kept - step;
    const double below = f();
    values[i] = kept;
    const double difference = (above - below) / (2.0 * step);
    product += difference * gradient[i];
    ours += double{gradient[i]} * gradient[i];
    theirs += difference * difference;
  }
  EXPECT_GT(theirs, 0);
  // The lengths too, which a cosine does not see.
  EXPECT_NEAR(std::sqrt(ours / theirs), 1, 0.05);
  return product / std::sqrt(ours * theirs);
}

std::span<float> flat(std::vector<Vector>& vectors) {
  return {&vectors.front().x, 3 * vectors.size()};
}

/// A turned face on a raster, with smooth colors and a smooth derivative at each pixel.
struct Scene {
  static constexpr int kSide = 64;
  std::span<const MeshTriangle> triangles = mesh::topology().levels.front().triangles;
  std::vector<mesh::RasterVertex> vertices;
  std::vector<Vector> colors;
  std::vector<Vector> pixels;
  mesh::Raster raster;

  Scene() {
    const mesh::Rotation turn = mesh::rotation_of({0.1F, 0.4F, -0.1F});
    for (const Vector& v : mesh::topology().neutral) {
      const Vector x = turn * v;
      vertices.push_back({32 + 17 * x.x, 34 - 17 * x.y, x.z});
      colors.push_back({0.5F + 0.3F * std::sin(3 * v.x), 0.5F + 0.2F * std::cos(4 * v.y),
                        0.5F + 0.3F * std::sin(2 * v.x + 3 * v.y)});
    }
    for (int y = 0; y < kSide; ++y) {
      for (int x = 0; x < kSide; ++x) {
        const auto at = [&](float a, float b) {
          return std::sin(a * static_cast<float>(x) + b * static_cast<float>(y));
        };
        pixels.push_back({at(0.2F, 0.1F), at(0.1F, 0.3F), at(-0.2F, 0.15F)});
      }
    }
    mesh::rasterize(vertices, triangles, kSide, kSide, raster);
  }

  /// The sum of pixels . C with the triangles that were seen, wherever their vertices are now.
  double held() const {
    double sum = 0;
    for (std::size_t i = 0; i < pixels.size(); ++i) {
      if (raster.triangle[i] == mesh::kNoTriangle) continue;
      const MeshTriangle& t = triangles[static_cast<std::size_t>(raster.triangle[i])];
      const mesh::RasterVertex& a = vertices[t[0]];
      const mesh::RasterVertex& b = vertices[t[1]];
      const mesh::RasterVertex& c = vertices[t[2]];
      const double x = static_cast<double>(i % kSide) + 0.5 - a.x;
      const std::size_t row = i / kSide;
      const double y = static_cast<double>(row) + 0.5 - a.y;
      const double bx = double{b.x} - a.x;
      const double by = double{b.y} - a.y;
      const double cx = double{c.x} - a.x;
      const double cy = double{c.y} - a.y;
      const double all = bx * cy - by * cx;
      const double wb = (x * cy - y * cx) / all;
      const double wc = (bx * y - by * x) / all;
      const Vector& g = pixels[i];
      sum += (1 - wb - wc) * dot(colors[t[0]], g) + wb * dot(colors[t[1]], g) +
             wc * dot(colors[t[2]], g);
    }
    return sum;
  }
};

TEST(RasterGradient, IsThatOfDifferencesWithTrianglesHeld) {
  Scene scene;
  EXPECT_GT(scene.raster.covered(), 1000U);
  std::vector<mesh::RasterVertex> by_vertex(scene.vertices.size());
  std::vector<Vector> by_color(scene.colors.size());
  add_raster_gradient(scene.raster, scene.vertices, scene.triangles, scene.colors, scene.pixels,
                      by_vertex, by_color);
  const auto f = [&] { return scene.held(); };
  EXPECT_GE(cosine(flat(scene.vertices), flat(by_vertex), 1e-3F, f, 7), 0.9999);
  EXPECT_GE(cosine(flat(scene.colors), flat(by_color), 1e-2F, f, 7), 0.9999);
}

TEST(RasterGradient, IsNearlyThatOfDifferencesAcrossTriangles) {
  Scene scene;
  std::vector<mesh::RasterVertex> by_vertex(scene.vertices.size());
  std::vector<Vector> by_color(scene.colors.size());
  // Where the surface ends or folds, pixels come and go, of which this derivative knows nothing.
  const mesh::Raster before = scene.raster;
  const auto is_smooth = [&](std::size_t i) {
    constexpr int kRoom = 2;
    for (int dy = -kRoom; dy <= kRoom; ++dy) {
      for (int dx = -kRoom; dx <= kRoom; ++dx) {
        const auto at = static_cast<std::int64_t>(i) + dy * Scene::kSide + dx;
        if (at < 0 || at >= static_cast<std::int64_t>(before.triangle.size())) return false;
        const auto other = static_cast<std::size_t>(at);
        if (before.triangle[other] == mesh::kNoTriangle) return false;
        if (std::abs(before.depth[other] - before.depth[i]) > 0.3F) return false;
      }
    }
    return true;
  };
  for (std::size_t i = 0; i < scene.pixels.size(); ++i) {
    if (!is_smooth(i)) scene.pixels[i] = {};
  }
  add_raster_gradient(before, scene.vertices, scene.triangles, scene.colors, scene.pixels,
                      by_vertex, by_color, 0.5F);
  const auto f = [&] {
    mesh::Raster now;
    mesh::rasterize(scene.vertices, scene.triangles, Scene::kSide, Scene::kSide, now);
    double sum = 0;
    for (std::size_t i = 0; i < scene.pixels.size(); ++i) {
      if (now.triangle[i] == mesh::kNoTriangle) continue;
      sum += dot(color_at(now, i, scene.triangles, scene.colors), scene.pixels[i]);
    }
    return sum;
  };
  EXPECT_GE(cosine(flat(scene.vertices), flat(by_vertex), 0.05F, f, 7), 0.98);
}

TEST(LightGradient, IsThatOfDifferences) {
  const auto triangles = std::span<const MeshTriangle>(mesh::topology().levels.front().triangles);
  std::vector<Vector> turned = mesh::topology().neutral;
  std::vector<Vector> albedo = normal_vectors(turned.size(), 0.3, 1);
  const std::vector<Vector> by_color = normal_vectors(turned.size(), 1, 2);
  mesh::LightValues values = {0.2F, -0.1F, 0.3F, 0.1F, 0.4F, -0.2F, 0.3F, 0, -0.3F};
  const auto f = [&] {
    const mesh::Light light(values);
    const std::vector<Vector> normals = mesh::vertex_normals(turned, triangles);
    double sum = 0;
    for (std::size_t i = 0; i < turned.size(); ++i) {
      const Vector factor = shading(light, lit_share(light, turned[i], normals[i]));
      sum += double{by_color[i].x} * albedo[i].x * factor.x +
             double{by_color[i].y} * albedo[i].y * factor.y +
             double{by_color[i].z} * albedo[i].z * factor.z;
    }
    return sum;
  };
  std::vector<Vector> by_albedo(turned.size());
  std::vector<Vector> by_turned(turned.size());
  std::array<float, mesh::kLightValues> by_values{};
  add_light_gradient(mesh::Light(values), turned, mesh::normal_sums(turned, triangles), triangles,
                     albedo, by_color, by_albedo, by_turned, by_values);
  EXPECT_GE(cosine(values, by_values, 1e-2F, f), 0.9999);
  EXPECT_GE(cosine(flat(albedo), flat(by_albedo), 1e-2F, f, 11), 0.9999);
  EXPECT_GE(cosine(flat(turned), flat(by_turned), 1e-4F, f, 11), 0.9999);
}

TEST(CameraGradient, IsThatOfDifferences) {
  mesh::CameraValues values = {0.3F, -0.5F, 0.4F, 0.9F, -1.5F, 0.6F, 0.7F};
  std::vector<Vector> vertices = normal_vectors(20, 0.8, 3);
  const std::vector<Vector> pulls = normal_vectors(20, 1, 4);
  const std::vector<Vector> turns = normal_vectors(20, 0.3, 5);
  const auto f = [&] {
    const mesh::Camera camera(values);
    double sum = 0;
    for (std::size_t i = 0; i < vertices.size(); ++i) {
      const mesh::Projected p = project(camera, vertices[i]);
      sum += double{pulls[i].x} * p.u + double{pulls[i].y} * p.v + dot(turns[i], p.turned) -
             double{pulls[i].z} * camera.scale * p.turned.z;
    }
    return sum;
  };
  CameraGradient by_camera(values);
  std::vector<Vector> by_vertex;
  const mesh::Camera camera(values);
  for (std::size_t i = 0; i < vertices.size(); ++i) {
    by_vertex.push_back(
        by_camera.add(project(camera, vertices[i]), pulls[i].x, pulls[i].y, turns[i], pulls[i].z));
  }
  std::array<float, mesh::kCameraValues> by_values{};
  by_camera.add_to(by_values);
  EXPECT_GE(cosine(values, by_values, 1e-2F, f), 0.9999);
  EXPECT_GE(cosine(flat(vertices), flat(by_vertex), 1e-2F, f), 0.9999);
}

TEST(ChebyshevGradient, IsThatOfDifferences) {
  const mesh::ScaledLaplacian laplacian(mesh::topology().levels.back());
  constexpr std::size_t kIn = 3;
  constexpr std::size_t kOut = 4;
  constexpr std::size_t kOrder = 3;
  std::vector<float> x = normal_values(laplacian.vertices() * kIn, 1, 6);
  std::vector<float> theta = normal_values(kOrder * kIn * kOut, 1, 7);
  const std::vector<float> by_y = normal_values(laplacian.vertices() * kOut, 1, 8);
  const auto f = [&] {
    const std::vector<float> y =
        mesh::chebyshev_convolution(laplacian, x, kIn, theta, kOut, kOrder);
    double sum = 0;
    for (std::size_t i = 0; i < y.size(); ++i) sum += double{y[i]} * by_y[i];
    return sum;
  };
  std::vector<float> by_x(x.size());
  std::vector<float> by_theta(theta.size());
  add_chebyshev_gradient(laplacian, x, kIn, theta, kOut, kOrder, by_y, by_x, by_theta);
  EXPECT_GE(cosine(x, by_x, 1e-1F, f), 0.9999);
  EXPECT_GE(cosine(theta, by_theta, 1e-1F, f), 0.9999);
}

/// A decoder of smooth components, which need not be a face's.
graph::Weights some_decoder() {
  graph::Weights weights;
  const auto add = [&](const std::string& name, std::size_t codes, double size,
                       const std::function<Vector(std::size_t)>& mean) {
    constexpr auto kVertices = static_cast<std::int64_t>(kMeshVertices);
    graph::Tensor means = graph::Tensor::of_shape({kVertices, 3});
    graph::Tensor components =
        graph::Tensor::of_shape({static_cast<std::int64_t>(codes), kVertices, 3});
    Random random(codes);
    for (std::size_t k = 0; k < codes; ++k) {
      const Vector wave = {static_cast<float>(random.normal()), static_cast<float>(random.normal()),
                           static_cast<float>(random.normal())};
      for (std::size_t v = 0; v < kMeshVertices; ++v) {
        const float phase = 2 * dot(wave, mesh::topology().neutral[v]);
        for (std::size_t c = 0; c < 3; ++c) {
          components.values()[3 * (k * kMeshVertices + v) + c] =
              static_cast<float>(size) * std::sin(phase + static_cast<float>(c));
        }
      }
    }
    for (std::size_t v = 0; v < kMeshVertices; ++v) {
      const Vector at = mean(v);
      means.values()[3 * v] = at.x;
      means.values()[3 * v + 1] = at.y;
      means.values()[3 * v + 2] = at.z;
    }
    weights.tensors.emplace(name + ".mean", std::move(means));
    weights.tensors.emplace(name + ".components", std::move(components));
  };
  add("mesh.shape", mesh::kShapeCodes, 0.01,
      [](std::size_t v) { return mesh::topology().neutral[v]; });
  add("mesh.texture", mesh::kTextureCodes, 0.03, [](std::size_t v) {
    const Vector& at = mesh::topology().neutral[v];
    return Vector{0.5F + 0.2F * at.x, 0.5F + 0.2F * at.y, 0.4F};
  });
  return weights;
}

TEST(MeshLoss, GradientIsThatOfDifferences) {
  const mesh::Decoder decoder(some_decoder(), "test");
  MeshLoss loss(decoder);
  std::vector<std::uint8_t> crop;
  for (int i = 0; i < 3 * kMeshCropSide * kMeshCropSide; ++i) {
    crop.push_back(static_cast<std::uint8_t>(100 + 50 * std::sin(0.01 * i) * (i % 3)));
  }
  MeshTarget target{crop, {}, std::array<Point, 68>{}};
  Random random(9);
  for (Point& point : target.five) point = {static_cast<float>(random.uniform()), 0.4F};
  for (Point& point : *target.points) point = {static_cast<float>(random.uniform()), 0.6F};
  mesh::Parameters parameters;
  const auto values = mesh::values_of(parameters);
  const std::vector<float> start = normal_values(values.size(), 0.5, 10);
  std::ranges::copy(start, values.begin());
  // The rendered face's derivative is tested above; here what the points pull at, without pixels,
  // and what pixels say of texture and light, without the geometry.
  MeshLossOptions options;
  options.pixel_weight = 0;
  for (const float pixel_weight : {0.0F, 2.0F}) {
    options.pixel_weight = pixel_weight;
    options.pixel_to_geometry = 0;
    std::array<float, mesh::kParameters> gradient{};
    loss(parameters, target, options, gradient);
    const auto f = [&] {
      std::array<float, mesh::kParameters> unused{};
      return loss(parameters, target, options, unused).total;
    };
    const std::size_t first = pixel_weight > 0 ? mesh::kShapeCodes : 0;
    const std::size_t count = pixel_weight > 0 ? mesh::kTextureCodes : mesh::kShapeCodes;
    EXPECT_GE(
        cosine(values.subspan(first, count), std::span(gradient).subspan(first, count), 2e-3F, f),
        0.999);
    if (pixel_weight > 0) {
      EXPECT_GE(cosine(values.last(mesh::kLightValues),
                       std::span(gradient).last(mesh::kLightValues), 2e-3F, f),
                0.999);
    } else {
      EXPECT_GE(cosine(values.subspan(mesh::kCodes, mesh::kCameraValues),
                       std::span(gradient).subspan(mesh::kCodes, mesh::kCameraValues), 1e-3F, f),
                0.999);
    }
  }
}

TEST(MeshLoss, GradientOfVerticesAndSidesIsThatOfDifferences) {
  const mesh::Decoder decoder(some_decoder(), "test");
  MeshLoss loss(decoder);
  const std::vector<Vector> vertices = normal_vectors(kMeshVertices, 0.3, 11);
  MeshTarget target;
  target.vertices = vertices;
  mesh::Parameters parameters;
  const auto values = mesh::values_of(parameters);
  std::ranges::copy(normal_values(values.size(), 0.5, 12), values.begin());
  for (const auto& [vertex_weight, edge_weight] : {std::pair(3.0F, 0.0F), {0.0F, 20.0F}}) {
    const MeshLossOptions options{.pixel_weight = 0,
                                  .five_weight = 0,
                                  .points_weight = 0,
                                  .vertex_weight = vertex_weight,
                                  .edge_weight = edge_weight,
                                  .shape_prior = 0,
                                  .pose_prior = 0};
    std::array<float, mesh::kParameters> gradient{};
    const MeshLossTerms terms = loss(parameters, target, options, gradient);
    EXPECT_NEAR(terms.total, vertex_weight * terms.vertices + edge_weight * terms.edges,
                1e-4 + options.texture_prior * 50);
    const auto f = [&] {
      std::array<float, mesh::kParameters> unused{};
      return loss(parameters, target, options, unused).total;
    };
    EXPECT_GE(cosine(values.first(mesh::kShapeCodes), std::span(gradient).first(mesh::kShapeCodes),
                     2e-3F, f),
              0.999);
    EXPECT_GE(cosine(values.subspan(mesh::kCodes, mesh::kCameraValues),
                     std::span(gradient).subspan(mesh::kCodes, mesh::kCameraValues), 1e-3F, f),
              0.999);
  }
}

TEST(MeshFit, FindsTheFaceThatPointsAreOf) {
  const mesh::Decoder decoder(some_decoder(), "test");
  mesh::Parameters face;
  std::ranges::copy(normal_values(mesh::kShapeCodes, 0.7, 13), face.shape.begin());
  face.camera = {1, -0.8F, 0.6F, 0.4F, -1.2F, 2.4F, 0};  // lies on its side, almost
  const mesh::Camera camera(face.camera);
  std::array<Point, 68> points;
  for (std::size_t i = 0; i < points.size(); ++i) {
    const mesh::Projected p =
        project(camera, decoder.vertex(face.shape, mesh::topology().landmarks_68[i]));
    points[i] = {p.u, p.v};
  }
  const std::vector<Vector> found = fit_points(decoder, points);
  ASSERT_EQ(found.size(), kMeshVertices);
  for (std::size_t i = 0; i < points.size(); ++i) {
    const Vector& v = found[mesh::topology().landmarks_68[i]];
    const double room = (i < mesh::kFirstInner68 ? 0.1 : 0.03) * camera.scale;
    EXPECT_NEAR(v.x, points[i].x, room) << i;
    EXPECT_NEAR(v.y, points[i].y, room) << i;
  }
  std::vector<Vector> vertices;
  decoder.shape(face.shape, vertices);
  double depth = 0;
  for (std::size_t i = 0; i < vertices.size(); ++i) {
    const float expected = -camera.scale * project(camera, vertices[i]).turned.z;
    depth += std::abs(found[i].z - expected) / (camera.scale * kMeshVertices);
  }
  EXPECT_LT(depth, 0.1);  // eye distances: only what points and prior say
  // Points of no face.
  Random random(14);
  for (Point& point : points) point.x += static_cast<float>(0.3 * random.normal());
  EXPECT_TRUE(fit_points(decoder, points).empty());
}

TEST(MeshLoss, PixelsMoveTheFaceToWhereTheImageHasIt) {
  const mesh::Decoder decoder(some_decoder(), "test");
  MeshLoss loss(decoder);
  // The image: the same face, shifted to the right by three pixels and a half.
  mesh::Parameters there;
  there.camera[0] = 3.5F / kMeshCropSide / mesh::kShift;
  std::vector<Vector> vertices;
  std::vector<Vector> albedo;
  decoder.shape(there.shape, vertices);
  decoder.texture(there.texture, albedo);
  const mesh::Camera camera(there.camera);
  const mesh::Light light(there.light);
  const auto normals = mesh::vertex_normals(vertices, mesh::topology().levels.front().triangles);
  std::vector<mesh::RasterVertex> placed;
  for (std::size_t i = 0; i < vertices.size(); ++i) {
    const mesh::Projected p = project(camera, vertices[i]);
    placed.push_back({kMeshCropSide * p.u, kMeshCropSide * p.v, p.turned.z});
    const Vector factor = shading(light, lit_share(light, vertices[i], normals[i]));
    albedo[i] = {albedo[i].x * factor.x, albedo[i].y * factor.y, albedo[i].z * factor.z};
  }
  mesh::Raster raster;
  const auto& triangles = mesh::topology().levels.front().triangles;
  mesh::rasterize(placed, triangles, kMeshCropSide, kMeshCropSide, raster);
  std::vector<std::uint8_t> crop(3 * kMeshCropSide * kMeshCropSide, 128);
  for (std::size_t i = 0; i < raster.triangle.size(); ++i) {
    if (raster.triangle[i] == mesh::kNoTriangle) continue;
    const Vector color = color_at(raster, i, triangles, albedo);
    for (const auto& [c, value] : {std::pair(0U, color.x), {1U, color.y}, {2U, color.z}}) {
      crop[3 * i + c] = static_cast<std::uint8_t>(std::clamp(255 * value, 0.0F, 255.0F));
    }
  }
  MeshLossOptions options{.pixel_to_geometry = 1,
                          .five_weight = 0,
                          .points_weight = 0,
                          .outline_weight = 0,
                          .shape_prior = 0,
                          .texture_prior = 0,
                          .pose_prior = 0};
  mesh::Parameters parameters;
  double first = 0;
  double last = 0;
  for (int step = 0; step < 60; ++step) {
    std::array<float, mesh::kParameters> gradient{};
    last = loss(parameters, {crop, {}, std::nullopt}, options, gradient).pixel;
    if (step == 0) first = last;
    parameters.camera[0] -= 0.03F * (gradient[mesh::kCodes] > 0 ? 1.0F : -1.0F);
  }
  EXPECT_LT(last, first / 3);
  EXPECT_NEAR(parameters.camera[0], there.camera[0], 0.15);
}

}  // namespace
}  // namespace retinaface::training
