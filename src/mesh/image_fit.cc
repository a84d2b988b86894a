#include "mesh/image_fit.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <limits>
#include <span>

#include "mesh/light.h"
#include "mesh/mean_color.h"
#include "mesh/rasterizer.h"
#include "mesh/rows.h"
#include "mesh/seen_face.h"
#include "mesh/solve.h"
#include "mesh/topology.h"

namespace retinaface::mesh {
namespace {

constexpr int kSide = 48;
constexpr int kSteps = 4;
constexpr std::size_t kMinPixels = 64;
constexpr float kDelta = 0.02F;     // differences below it count by their square
constexpr float kMaxJump = 0.25F;   // of depth between pixels of one surface, eye distances
constexpr float kMaxChange = 1.5F;  // of a value in a step
constexpr float kShapePrior = 2e-3F;
constexpr float kTexturePrior = 2e-4F;
constexpr float kCameraPrior = 2e-3F;
constexpr float kLightPrior = 1e-4F;

float prior_of(std::size_t parameter) {
  if (parameter < kShapeCodes) return kShapePrior;
  if (parameter < kCodes) return kTexturePrior;
  return parameter < kCodes + kCameraValues ? kCameraPrior : kLightPrior;
}

constexpr std::size_t index_of(int x, int y) {
  return static_cast<std::size_t>(y) * kSide + static_cast<std::size_t>(x);
}

float channel(const Vector& v, std::size_t c) {
  return c == 0 ? v.x : c == 1 ? v.y : v.z;
}

/// What the image shows in the frame.
struct Crop {
  std::vector<Vector> colors = std::vector<Vector>(kSide * kSide);
  std::vector<bool> known = std::vector<bool>(kSide * kSide);  ///< lies in the image

  Crop(const ImageView& image, const Frame& frame) {
    const float pixel = frame.side / kSide;
    const MeanColor mean(image, pixel);
    for (int row = 0; row < kSide; ++row) {
      for (int column = 0; column < kSide; ++column) {
        const float x = frame.x0 + (static_cast<float>(column) + 0.5F) * pixel;
        const float y = frame.y0 + (static_cast<float>(row) + 0.5F) * pixel;
        known[index_of(column, row)] = x >= 0 && y >= 0 && x < static_cast<float>(image.width) &&
                                       y < static_cast<float>(image.height);
        colors[index_of(column, row)] = mean(x, y);
      }
    }
  }
};

/// The move of a vertex in the frame, (u, v), with each of the camera's values.
using CameraEffects = std::array<std::array<float, kCameraValues>, 2>;

/// Vertices that a pixel is a mean of share these: computed once for each.
CameraEffects camera_effects(const std::array<Camera, kCameraValues>& moved, float step,
                             Vector vertex, const Projected& at) {
  CameraEffects effects{};
  for (std::size_t i = 0; i < kCameraValues; ++i) {
    const Projected p = project(moved[i], vertex);
    effects[0][i] = (p.u - at.u) / step;
    effects[1][i] = (p.v - at.v) / step;
  }
  return effects;
}

}  // namespace

/// What parameters look like.
struct ImageFit::Scene {
  std::vector<Vector> vertices;  ///< of the decoder
  std::vector<Vector> albedo;
  SeenFace seen;
  std::vector<float> lit;       ///< by vertex
  std::vector<Vector> shading;  ///< by vertex
  Raster raster;
  std::vector<Vector> colors;  ///< by pixel
};

/// The equations of a step, and what of the image they are about.
struct ImageFit::System {
  explicit System(const Crop& of) : crop(of) {}

  const Crop& crop;
  std::vector<std::size_t> pixels;  ///< that are compared
  std::vector<float> matrix = std::vector<float>(kParameters * kParameters);
  std::vector<float> right = std::vector<float>(kParameters);
};

ImageFit::ImageFit(const Decoder& decoder)
    : decoder_(decoder),
      shape_(kMeshVertices * 3 * kShapeCodes),
      texture_(kMeshVertices * 3 * kTextureCodes) {
  for (std::size_t v = 0; v < kMeshVertices; ++v) {
    for (std::size_t k = 0; k < kShapeCodes; ++k) {
      const Vector s = decoder.component(k, v);
      for (std::size_t c = 0; c < 3; ++c) shape_[(3 * v + c) * kShapeCodes + k] = channel(s, c);
    }
    for (std::size_t k = 0; k < kTextureCodes; ++k) {
      const Vector t = decoder.texture_component(k, v);
      for (std::size_t c = 0; c < 3; ++c) texture_[(3 * v + c) * kTextureCodes + k] = channel(t, c);
    }
  }
}

ImageFit::Scene ImageFit::render(const Parameters& parameters) const {
  const std::span<const MeshTriangle> triangles = topology().levels.front().triangles;
  Scene scene;
  decoder_.shape(parameters.shape, scene.vertices);
  decoder_.texture(parameters.texture, scene.albedo);
  scene.seen = seen_face(decoder_, parameters);
  const Light light(parameters.light);
  std::vector<RasterVertex> placed;
  std::vector<Vector> colors;
  for (std::size_t i = 0; i < scene.vertices.size(); ++i) {
    const Projected& p = scene.seen.projected[i];
    placed.push_back({kSide * p.u, kSide * p.v, p.turned.z});
    scene.lit.push_back(lit_share(light, p.turned, scene.seen.normals[i]));
    const Vector factor = shading(light, scene.lit.back());
    scene.shading.push_back(factor);
    const Vector& a = scene.albedo[i];
    colors.push_back({a.x * factor.x, a.y * factor.y, a.z * factor.z});
  }
  rasterize(placed, triangles, kSide, kSide, scene.raster);
  scene.colors.resize(scene.raster.triangle.size());
  for (std::size_t i = 0; i < scene.colors.size(); ++i) {
    if (scene.raster.triangle[i] == kNoTriangle) continue;
    scene.colors[i] = color_at(scene.raster, i, triangles, colors);
  }
  return scene;
}

namespace {

/// Pixels of the face, every other one, whose neighbours show the same surface.
std::vector<std::size_t> comparable_pixels(const Raster& raster, const Crop& crop) {
  const auto is_same = [&](std::size_t a, std::size_t b) {
    return raster.triangle[b] != kNoTriangle && crop.known[b] &&
           std::abs(raster.depth[a] - raster.depth[b]) < kMaxJump;
  };
  std::vector<std::size_t> pixels;
  for (int y = 1; y + 1 < kSide; ++y) {
    for (int x = 1 + y % 2; x + 1 < kSide; x += 2) {
      const std::size_t i = index_of(x, y);
      if (raster.triangle[i] == kNoTriangle || !crop.known[i]) continue;
      if (is_same(i, i - 1) && is_same(i, i + 1) && is_same(i, i - kSide) && is_same(i, i + kSide))
        pixels.push_back(i);
    }
  }
  return pixels;
}

double mean_difference(const std::vector<Vector>& rendered, const Crop& crop,
                       std::span<const std::size_t> pixels) {
  double sum = 0;
  for (const std::size_t i : pixels) {
    const Vector off = rendered[i] - crop.colors[i];
    sum += std::abs(off.x) + std::abs(off.y) + std::abs(off.z);
  }
  return sum / (3 * static_cast<double>(pixels.size()));
}

}  // namespace

void ImageFit::add_equations(const Scene& scene, const Parameters& parameters,
                             System& system) const {
  constexpr std::size_t kBlock = 32;  // equations that are added together
  const std::span<const MeshTriangle> triangles = topology().levels.front().triangles;
  const Camera camera(parameters.camera);
  const Light light(parameters.light);
  constexpr float kMove = 1e-2F;
  std::array<Camera, kCameraValues> moved = {camera, camera, camera, camera,
                                             camera, camera, camera};
  for (std::size_t i = 0; i < kCameraValues; ++i) {
    CameraValues values = parameters.camera;
    values[i] += kMove;
    moved[i] = Camera(values);
  }
  std::vector<CameraEffects> effects(scene.vertices.size());
  std::vector<bool> has_effects(scene.vertices.size());

  std::vector<float> rows(kBlock * kParameters);
  std::vector<float> off(kBlock);
  std::vector<float> column(kBlock);
  std::size_t filled = 0;
  const auto flush = [&] {
    const auto used = std::span<const float>(rows).first(filled * kParameters);
    add_rows(std::span(off).first(filled), used, system.right);
    for (std::size_t i = 0; i < kParameters; ++i) {
      for (std::size_t r = 0; r < filled; ++r) column[r] = rows[r * kParameters + i];
      add_rows(std::span(column).first(filled), used,
               std::span(system.matrix).subspan(i * kParameters, kParameters));
    }
    std::ranges::fill(rows, 0.0F);
    filled = 0;
  };

  const float share = 1 / (3 * static_cast<float>(system.pixels.size()));
  for (const std::size_t pixel : system.pixels) {
    const MeshTriangle& triangle =
        triangles[static_cast<std::size_t>(scene.raster.triangle[pixel])];
    const auto& weights = scene.raster.weights[pixel];
    for (const std::uint16_t v : triangle) {
      if (has_effects[v]) continue;
      has_effects[v] = true;
      effects[v] = camera_effects(moved, kMove, scene.vertices[v], scene.seen.projected[v]);
    }
    const auto gradient = [&](const std::vector<Vector>& of, std::size_t step) {
      return 0.5F * (of[pixel + step] - of[pixel - step]);
    };
    // By the frame's side, of the rendered face and the image together.
    const Vector along_u =
        0.5F * kSide * (gradient(scene.colors, 1) + gradient(system.crop.colors, 1));
    const Vector along_v =
        0.5F * kSide * (gradient(scene.colors, kSide) + gradient(system.crop.colors, kSide));
    const Vector residual = scene.colors[pixel] - system.crop.colors[pixel];
    for (std::size_t c = 0; c < 3; ++c) {
      const float r = channel(residual, c);
      const float root = std::sqrt(share / std::max(std::abs(r), kDelta));
      const std::span<float> row = std::span(rows).subspan(filled * kParameters, kParameters);
      const float gu = -root * channel(along_u, c);
      const float gv = -root * channel(along_v, c);
      float by_ambient = 0;
      float by_diffuse = 0;
      for (std::size_t k = 0; k < 3; ++k) {
        const std::size_t v = triangle[k];
        const Projected& p = scene.seen.projected[v];
        const float pi = 1 / (1 - p.turned.z / camera.distance);
        const float size = weights[k] * camera.scale * pi;
        const Vector by_turned = {
            size * gu, -size * gv,
            size * pi / camera.distance * (gu * p.turned.x - gv * p.turned.y)};
        const Vector by_vertex = transposed_times(camera.rotation, by_turned);
        add_rows({&by_vertex.x, 3}, std::span(shape_).subspan(3 * v * kShapeCodes, 3 * kShapeCodes),
                 row.first(kShapeCodes));
        for (std::size_t i = 0; i < kCameraValues; ++i) {
          row[kCodes + i] += weights[k] * (gu * effects[v][0][i] + gv * effects[v][1][i]);
        }
        const float by_albedo = root * weights[k] * channel(scene.shading[v], c);
        add_rows({&by_albedo, 1},
                 std::span(texture_).subspan((3 * v + c) * kTextureCodes, kTextureCodes),
                 row.subspan(kShapeCodes, kTextureCodes));
        const float reflected = root * weights[k] * channel(scene.albedo[v], c);
        by_ambient += reflected;
        by_diffuse += reflected * scene.lit[v];
      }
      constexpr std::size_t kLight = kCodes + kCameraValues;
      row[kLight + 3 + c] = kLightStep * channel(light.diffuse, c) * by_diffuse;
      row[kLight + 6 + c] = kLightStep * channel(light.ambient, c) * by_ambient;
      off[filled] = -root * r;
      if (++filled == kBlock) flush();
    }
  }
  flush();
}

Parameters ImageFit::operator()(const ImageView& image, const Frame& frame,
                                const Parameters& start) const {
  const Crop crop(image, frame);
  Parameters anchor = start;  // what the prior pulls to
  anchor.texture.fill(0);
  const auto anchored = values_of(anchor);
  Parameters best = start;
  Parameters now = start;
  double best_energy = std::numeric_limits<double>::infinity();
  for (int step = 0; step <= kSteps; ++step) {
    const Scene scene = render(now);
    System system(crop);
    system.pixels = comparable_pixels(scene.raster, crop);
    if (system.pixels.size() < kMinPixels) break;
    const auto values = values_of(now);
    double energy = mean_difference(scene.colors, crop, system.pixels);
    for (std::size_t i = 0; i < kParameters; ++i) {
      energy += 0.5 * prior_of(i) * (values[i] - anchored[i]) * (values[i] - anchored[i]);
    }
    if (energy >= best_energy) break;
    best = now;
    best_energy = energy;
    if (step == kSteps) break;
    add_equations(scene, now, system);
    for (std::size_t i = 0; i < kParameters; ++i) {
      system.matrix[i * kParameters + i] += prior_of(i);
      system.right[i] -= prior_of(i) * (values[i] - anchored[i]);
    }
    solve(system.matrix, system.right);
    for (std::size_t i = 0; i < kParameters; ++i) {
      values[i] += std::clamp(system.right[i], -kMaxChange, kMaxChange);
    }
  }
  return best;
}

}  // namespace retinaface::mesh
