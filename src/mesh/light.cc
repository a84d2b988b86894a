#include "mesh/light.h"

#include <algorithm>
#include <cmath>
#include <cstdint>

namespace retinaface::mesh {

Light::Light(const LightValues& values) {
  LightValues q = values;
  for (float& value : q) value *= kLightStep;
  place = Vector{0, 2, 8} + kLightReach * Vector{q[0], q[1], q[2]};
  diffuse = kDiffuse * Vector{std::exp(q[3]), std::exp(q[4]), std::exp(q[5])};
  ambient = kAmbient * Vector{std::exp(q[6]), std::exp(q[7]), std::exp(q[8])};
}

float lit_share(const Light& light, Vector vertex, Vector normal) {
  const Vector to_light = light.place - vertex;
  return std::max(0.0F, dot(normal, to_light) / std::max(length(to_light), 1e-6F));
}

std::vector<Vector> normal_sums(std::span<const Vector> vertices,
                                std::span<const std::array<std::uint16_t, 3>> triangles) {
  std::vector<Vector> sums(vertices.size());
  for (const auto& [a, b, c] : triangles) {
    const Vector normal = cross(vertices[b] - vertices[a], vertices[c] - vertices[a]);
    sums[a] += normal;
    sums[b] += normal;
    sums[c] += normal;
  }
  return sums;
}

Vector unit_normal(Vector sum) {
  const float size = length(sum);
  return size > 1e-12F ? 1 / size * sum : Vector{};
}

std::vector<Vector> vertex_normals(std::span<const Vector> vertices,
                                   std::span<const std::array<std::uint16_t, 3>> triangles) {
  std::vector<Vector> normals = normal_sums(vertices, triangles);
  for (Vector& normal : normals) normal = unit_normal(normal);
  return normals;
}

}  // namespace retinaface::mesh
