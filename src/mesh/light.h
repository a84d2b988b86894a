#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "mesh/vector.h"

namespace retinaface::mesh {

/// Values of the head for the illumination: place of a point light, its color, ambient color.
inline constexpr std::size_t kLightValues = 9;
using LightValues = std::array<float, kLightValues>;

/// A point light and an ambient one. With q half of the head's values, a vertex X as the camera has
/// turned it (eye distances), its normal n and its albedo:
///
///     l = (0, 2, 8) + 4 q0..2
///     color = albedo * (0.55 e^(q6..8) + 0.5 e^(q3..5) max(0, n . (l - X) / |l - X|))
struct Light {
  Vector place;
  Vector diffuse;  ///< red, green, blue
  Vector ambient;

  explicit Light(const LightValues& values);
};

inline constexpr float kLightStep = 0.5F;
inline constexpr float kLightReach = 4;
inline constexpr float kDiffuse = 0.5F;
inline constexpr float kAmbient = 0.55F;

/// max(0, n . (l - X) / |l - X|).
float lit_share(const Light& light, Vector vertex, Vector normal);

/// The factors of red, green and blue.
inline Vector shading(const Light& light, float lit_share) {
  return light.ambient + lit_share * light.diffuse;
}

/// The sums of the cross products of the triangles around each vertex: along its normal.
std::vector<Vector> normal_sums(std::span<const Vector> vertices,
                                std::span<const std::array<std::uint16_t, 3>> triangles);

/// The same made one long; 0 where they cancel.
Vector unit_normal(Vector sum);
std::vector<Vector> vertex_normals(std::span<const Vector> vertices,
                                   std::span<const std::array<std::uint16_t, 3>> triangles);

}  // namespace retinaface::mesh
