#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <vector>

#include "retinaface/mesh.h"

#include "mesh/camera.h"
#include "mesh/chebyshev.h"
#include "mesh/light.h"
#include "mesh/rasterizer.h"

namespace retinaface::training {

// The backward passes of src/mesh: from the derivatives of a loss by what a step gives to those by
// what it takes, which are added to what is there.

/// Of rasterize and color_at, the triangles that pixels show held fixed. With C the color of a
/// pixel's triangle, affine in the raster, and g the loss's derivative by it:
///
///     d/dc_a = w_a g     d/dv_a = -w_a (dC/dx . g, dC/dy . g)
///
/// `pixels` are by pixel, 0 where nothing is covered. z of `vertices` gets nothing. Nor do the
/// vertices of a triangle of less than `min_area_px`, seen edge on: its derivative is true for a
/// move of a small part of a pixel alone, and huge.
void add_raster_gradient(const mesh::Raster& raster, std::span<const mesh::RasterVertex> vertices,
                         std::span<const MeshTriangle> triangles,
                         std::span<const mesh::Vector> colors, std::span<const mesh::Vector> pixels,
                         std::span<mesh::RasterVertex> vertex_gradient,
                         std::span<mesh::Vector> color_gradient, float min_area_px = 0);

/// Of shading times albedo. `turned` are the vertices X, `sums` their normal_sums. Skips the
/// vertices, which the light hardly moves, if `turned_gradient` is empty.
void add_light_gradient(const mesh::Light& light, std::span<const mesh::Vector> turned,
                        std::span<const mesh::Vector> sums, std::span<const MeshTriangle> triangles,
                        std::span<const mesh::Vector> albedo,
                        std::span<const mesh::Vector> color_gradient,
                        std::span<mesh::Vector> albedo_gradient,
                        std::span<mesh::Vector> turned_gradient,
                        std::span<float, mesh::kLightValues> values_gradient);

/// Of project, for any number of vertices one after the other. The derivatives by the camera's
/// rotation are collected, and become those by its values at the end.
class CameraGradient {
 public:
  explicit CameraGradient(const mesh::CameraValues& values);

  /// `u`, `v` and `turned` are the derivatives by Projected, `depth` that by -s Xz; returns that by
  /// the vertex.
  mesh::Vector add(const mesh::Projected& projected, float u, float v, mesh::Vector turned = {},
                   float depth = 0);
  void add_to(std::span<float, mesh::kCameraValues> values_gradient) const;

 private:
  mesh::CameraValues values_;
  mesh::Camera camera_;
  float u_ = 0;
  float v_ = 0;
  float scale_ = 0;
  float distance_ = 0;
  mesh::Vector torque_;
};

/// Of chebyshev_convolution: adds to the gradients of x (V, inputs) and theta (order, inputs,
/// outputs). L~ is symmetric, so that of x is the same polynomials applied to what theta's
/// transpose makes of y's.
void add_chebyshev_gradient(const mesh::ScaledLaplacian& laplacian, std::span<const float> x,
                            std::size_t inputs, std::span<const float> theta, std::size_t outputs,
                            std::size_t order, std::span<const float> y_gradient,
                            std::span<float> x_gradient, std::span<float> theta_gradient);

}  // namespace retinaface::training
