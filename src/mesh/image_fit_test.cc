#include "mesh/image_fit.h"

#include <cmath>
#include <vector>

#include <gtest/gtest.h>

#include "base/random.h"
#include "mesh/branch.h"
#include "mesh/rasterizer.h"
#include "mesh/rows.h"
#include "mesh/seen_face.h"
#include "mesh/solve.h"
#include "mesh/testing.h"
#include "mesh/topology.h"

namespace retinaface::mesh {
namespace {

TEST(Solve, FindsWhatTheMatrixWasMultipliedBy) {
  constexpr std::size_t kSize = 23;
  const std::vector<float> half = normal_values(kSize * kSize, 4);
  const std::vector<float> x = normal_values(kSize, 5);
  std::vector<float> a(kSize * kSize);
  std::vector<float> b(kSize);
  for (std::size_t i = 0; i < kSize; ++i) {
    add_products(half, std::span(half).subspan(i * kSize, kSize),
                 std::span(a).subspan(i * kSize, kSize));
    a[i * kSize + i] += 1;
  }
  add_products(a, x, b);
  for (std::size_t i = 0; i < kSize; ++i) {
    for (std::size_t j = i + 1; j < kSize; ++j) a[i * kSize + j] = NAN;  // which is not read
  }
  solve(a, b);
  for (std::size_t i = 0; i < kSize; ++i) EXPECT_NEAR(b[i], x[i], 1e-3);
}

/// A decoder of waves over the face, which need not be a face's.
graph::Weights some_decoder() {
  graph::Weights weights;
  const auto add = [&](const std::string& name, std::size_t codes, float size, auto mean) {
    constexpr auto kVertices = static_cast<std::int64_t>(kMeshVertices);
    graph::Tensor means = graph::Tensor::of_shape({kVertices, 3});
    graph::Tensor components =
        graph::Tensor::of_shape({static_cast<std::int64_t>(codes), kVertices, 3});
    const std::vector<float> waves = normal_values(3 * codes, codes);
    for (std::size_t v = 0; v < kMeshVertices; ++v) {
      const Vector& at = topology().neutral[v];
      const Vector m = mean(at);
      means.values()[3 * v] = m.x;
      means.values()[3 * v + 1] = m.y;
      means.values()[3 * v + 2] = m.z;
      for (std::size_t k = 0; k < codes; ++k) {
        const float phase = 2 * dot({waves[3 * k], waves[3 * k + 1], waves[3 * k + 2]}, at);
        for (std::size_t c = 0; c < 3; ++c) {
          components.values()[3 * (k * kMeshVertices + v) + c] =
              size * std::sin(phase + static_cast<float>(c));
        }
      }
    }
    weights.tensors.emplace(name + ".mean", std::move(means));
    weights.tensors.emplace(name + ".components", std::move(components));
  };
  add("mesh.shape", kShapeCodes, 0.01F, [](const Vector& at) { return at; });
  add("mesh.texture", kTextureCodes, 0.02F, [](const Vector& at) {
    return Vector{0.5F + 0.2F * std::sin(5 * at.x), 0.5F + 0.2F * std::cos(6 * at.y), 0.4F};
  });
  return weights;
}

/// An image of a face, which fills its frame as faces do.
Image image_of(const Decoder& decoder, const Parameters& parameters, const Frame& frame) {
  const FaceMesh mesh = mesh_of(decoder, parameters, frame, seen_face(decoder, parameters));
  const auto& triangles = topology().levels.front().triangles;
  std::vector<RasterVertex> placed;
  std::vector<Vector> colors;
  for (std::size_t i = 0; i < kMeshVertices; ++i) {
    placed.push_back({mesh.vertices[i].x, mesh.vertices[i].y, -mesh.vertices[i].z});
    colors.push_back({mesh.colors[i].red, mesh.colors[i].green, mesh.colors[i].blue});
  }
  Image image(160, 160);
  Raster raster;
  rasterize(placed, triangles, image.width(), image.height(), raster);
  for (std::size_t i = 0; i < raster.triangle.size(); ++i) {
    const Vector color = raster.triangle[i] == kNoTriangle ? Vector{0.3F, 0.3F, 0.3F}
                                                           : color_at(raster, i, triangles, colors);
    std::uint8_t* const pixel = image.row(0) + 3 * i;
    pixel[0] = static_cast<std::uint8_t>(255 * color.x);
    pixel[1] = static_cast<std::uint8_t>(255 * color.y);
    pixel[2] = static_cast<std::uint8_t>(255 * color.z);
  }
  return image;
}

TEST(ImageFit, FindsTheFaceThatTheImageShows) {
  const Decoder decoder(some_decoder(), "test");
  const ImageFit fit(decoder);
  const Frame frame = {16, 12, 128};
  Parameters there;
  there.camera = {0.4F, -0.3F, 0.2F, 0.1F, -0.5F, 0.1F, 0};
  there.texture[3] = 0.5F;
  const Image image = image_of(decoder, there, frame);
  const auto distance = [&](const Parameters& parameters) {
    const SeenFace a = seen_face(decoder, parameters);
    const SeenFace b = seen_face(decoder, there);
    double sum = 0;
    for (std::size_t i = 0; i < kMeshVertices; ++i) {
      sum += std::hypot(a.projected[i].u - b.projected[i].u, a.projected[i].v - b.projected[i].v);
    }
    return frame.side * sum / kMeshVertices;
  };
  Parameters start = there;
  start.camera[0] += 0.4F;  // by 2.6 px
  start.camera[1] -= 0.3F;
  start.camera[4] += 0.15F;
  start.texture[3] = 0;
  const Parameters found = fit(image, frame, start);
  EXPECT_GT(distance(start), 2.5);
  EXPECT_LT(distance(found), 0.4 * distance(start));
  EXPECT_NEAR(found.texture[3], 0.5, 0.3);
  // Nothing to compare with: the frame lies outside of the image.
  EXPECT_EQ(fit(image, {500, 500, 100}, start).camera, start.camera);
}

}  // namespace
}  // namespace retinaface::mesh
