#include "training/mesh_gradient.h"

#include <algorithm>
#include <cmath>

#include "base/check.h"

namespace retinaface::training {

using mesh::Vector;

namespace {

Vector product(Vector a, Vector b) {
  return {a.x * b.x, a.y * b.y, a.z * b.z};
}

}  // namespace

void add_raster_gradient(const mesh::Raster& raster, std::span<const mesh::RasterVertex> vertices,
                         std::span<const MeshTriangle> triangles, std::span<const Vector> colors,
                         std::span<const Vector> pixels,
                         std::span<mesh::RasterVertex> vertex_gradient,
                         std::span<Vector> color_gradient, float min_area_px) {
  RF_CHECK(pixels.size() == raster.triangle.size());
  for (std::size_t i = 0; i < pixels.size(); ++i) {
    if (raster.triangle[i] == mesh::kNoTriangle) continue;
    const Vector g = pixels[i];
    const MeshTriangle& t = triangles[static_cast<std::size_t>(raster.triangle[i])];
    const auto& w = raster.weights[i];
    const mesh::RasterVertex& a = vertices[t[0]];
    const mesh::RasterVertex& b = vertices[t[1]];
    const mesh::RasterVertex& c = vertices[t[2]];
    for (std::size_t k = 0; k < 3; ++k) color_gradient[t[k]] += w[k] * g;
    const float twice_area = (c.x - a.x) * (b.y - a.y) - (b.x - a.x) * (c.y - a.y);
    if (twice_area < 2 * min_area_px) continue;
    const float scale = 1 / twice_area;
    // How far the color is pulled towards c's and b's, as g sees it.
    const float to_b = dot(colors[t[1]] - colors[t[0]], g);
    const float to_c = dot(colors[t[2]] - colors[t[0]], g);
    const float x = scale * ((a.y - c.y) * to_b + (b.y - a.y) * to_c);
    const float y = scale * ((c.x - a.x) * to_b + (a.x - b.x) * to_c);
    for (std::size_t k = 0; k < 3; ++k) {
      vertex_gradient[t[k]].x -= w[k] * x;
      vertex_gradient[t[k]].y -= w[k] * y;
    }
  }
}

void add_light_gradient(const mesh::Light& light, std::span<const Vector> turned,
                        std::span<const Vector> sums, std::span<const MeshTriangle> triangles,
                        std::span<const Vector> albedo, std::span<const Vector> color_gradient,
                        std::span<Vector> albedo_gradient, std::span<Vector> turned_gradient,
                        std::span<float, mesh::kLightValues> values_gradient) {
  const bool with_vertices = !turned_gradient.empty();
  std::vector<Vector> sum_gradient(with_vertices ? turned.size() : 0);
  Vector place;
  Vector diffuse;
  Vector ambient;
  for (std::size_t i = 0; i < turned.size(); ++i) {
    const Vector g = color_gradient[i];
    if (g.x == 0 && g.y == 0 && g.z == 0) continue;
    const Vector normal = mesh::unit_normal(sums[i]);
    const Vector to_light = light.place - turned[i];
    const float distance = std::max(length(to_light), 1e-6F);
    const Vector direction = 1 / distance * to_light;
    const float lit = std::max(0.0F, dot(normal, direction));
    albedo_gradient[i] += product(g, shading(light, lit));
    const Vector reflected = product(g, albedo[i]);
    ambient += reflected;
    diffuse += lit * reflected;
    if (lit <= 0) continue;
    const float by_lit = dot(reflected, light.diffuse);
    const Vector by_place = by_lit / distance * (normal - dot(normal, direction) * direction);
    place += by_place;
    if (!with_vertices) continue;
    turned_gradient[i] += -1 * by_place;
    const float size = std::max(length(sums[i]), 1e-12F);
    sum_gradient[i] = by_lit / size * (direction - dot(direction, normal) * normal);
  }
  constexpr float kPlace = mesh::kLightReach * mesh::kLightStep;
  const Vector by_diffuse = mesh::kLightStep * product(diffuse, light.diffuse);
  const Vector by_ambient = mesh::kLightStep * product(ambient, light.ambient);
  const std::array<float, mesh::kLightValues> values = {
      kPlace * place.x, kPlace * place.y, kPlace * place.z, by_diffuse.x, by_diffuse.y,
      by_diffuse.z,     by_ambient.x,     by_ambient.y,     by_ambient.z};
  for (std::size_t i = 0; i < values.size(); ++i) values_gradient[i] += values[i];
  if (!with_vertices) return;
  for (const auto& [a, b, c] : triangles) {
    const Vector g = sum_gradient[a] + sum_gradient[b] + sum_gradient[c];
    const Vector by_b = cross(turned[c] - turned[a], g);
    const Vector by_c = cross(g, turned[b] - turned[a]);
    turned_gradient[b] += by_b;
    turned_gradient[c] += by_c;
    turned_gradient[a] += -1 * (by_b + by_c);
  }
}

CameraGradient::CameraGradient(const mesh::CameraValues& values)
    : values_(values), camera_(values) {}

Vector CameraGradient::add(const mesh::Projected& projected, float u, float v, Vector turned,
                           float depth) {
  const Vector& x = projected.turned;
  const float pi = 1 / (1 - x.z / camera_.distance);
  const float size = camera_.scale * pi;
  const float along = u * x.x - v * x.y;
  turned +=
      Vector{size * u, -size * v, size * pi / camera_.distance * along - camera_.scale * depth};
  u_ += u;
  v_ += v;
  scale_ += pi * along - x.z * depth;
  distance_ -= size * pi * x.z / (camera_.distance * camera_.distance) * along;
  torque_ += cross(x, turned);
  return mesh::transposed_times(camera_.rotation, turned);
}

void CameraGradient::add_to(std::span<float, mesh::kCameraValues> gradient) const {
  gradient[0] += mesh::kShift * u_;
  gradient[1] += mesh::kShift * v_;
  gradient[2] += mesh::kGrowth * camera_.scale * scale_;
  gradient[6] += mesh::kGrowth * camera_.distance * distance_;
  // exp([w + dw]) = exp([J dw]) exp([w]), J = I + (1 - cos t) / t^2 K + (t - sin t) / t^3 K^2.
  const Vector w = mesh::kTurn * Vector{values_[3], values_[4], values_[5]};
  const float t2 = dot(w, w);
  const float t = std::sqrt(t2);
  const float a = t > 1e-2F ? (1 - std::cos(t)) / t2 : 0.5F - t2 / 24;
  const float b = t > 1e-2F ? (t - std::sin(t)) / (t2 * t) : 1 / 6.0F - t2 / 120;
  const Vector once = cross(w, torque_);
  const Vector by_turn = torque_ - a * once + b * cross(w, once);
  gradient[3] += mesh::kTurn * by_turn.x;
  gradient[4] += mesh::kTurn * by_turn.y;
  gradient[5] += mesh::kTurn * by_turn.z;
}

void add_chebyshev_gradient(const mesh::ScaledLaplacian& laplacian, std::span<const float> x,
                            std::size_t inputs, std::span<const float> theta, std::size_t outputs,
                            std::size_t order, std::span<const float> y_gradient,
                            std::span<float> x_gradient, std::span<float> theta_gradient) {
  const std::size_t vertices = laplacian.vertices();
  RF_CHECK(y_gradient.size() == vertices * outputs && x_gradient.size() == vertices * inputs &&
           theta.size() == order * inputs * outputs && theta_gradient.size() == theta.size());
  // <T_k(L~) x theta_k, g> = <x, T_k(L~) g theta_k^T>: the terms of g serve both.
  const std::vector<float> terms = mesh::chebyshev_terms(laplacian, y_gradient, outputs, order);
  for (std::size_t k = 0; k < order; ++k) {
    for (std::size_t v = 0; v < vertices; ++v) {
      const float* const g = terms.data() + (k * vertices + v) * outputs;
      for (std::size_t i = 0; i < inputs; ++i) {
        const std::size_t row = (k * inputs + i) * outputs;
        const float value = x[v * inputs + i];
        float sum = 0;
        for (std::size_t o = 0; o < outputs; ++o) {
          theta_gradient[row + o] += value * g[o];
          sum += theta[row + o] * g[o];
        }
        x_gradient[v * inputs + i] += sum;
      }
    }
  }
}

}  // namespace retinaface::training
