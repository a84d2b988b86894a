#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "mesh/vector.h"

namespace retinaface::mesh {

/// A vertex on the raster, in pixels: x right, y down, the first pixel's centre at (0.5, 0.5). The
/// larger z is nearer.
using RasterVertex = Vector;

inline constexpr std::int32_t kNoTriangle = -1;

/// What a raster of pixels shows of a mesh.
struct Raster {
  int width = 0;
  int height = 0;
  std::vector<std::int32_t> triangle;         ///< by pixel, row by row; kNoTriangle
  std::vector<std::array<float, 3>> weights;  ///< barycentric, of the triangle's three vertices
  std::vector<float> depth;
  // Where rasterize paints (mesh/triangle_painter.h), to be used again.
  std::vector<float> painted;
  std::vector<std::int32_t> painted_triangles;

  std::size_t covered() const;
};

/// Rasterises triangles that show their front: of those that hold a pixel's centre the nearest
/// (hard z-buffer), with weights that are affine in the raster: w_i = area of (p, v_j, v_k) / area
/// of the triangle. Memory of `raster` is used again.
void rasterize(std::span<const RasterVertex> vertices,
               std::span<const std::array<std::uint16_t, 3>> triangles, int width, int height,
               Raster& raster);

/// C = sum of w_i c_i, the color at a covered pixel.
inline Vector color_at(const Raster& raster, std::size_t pixel,
                       std::span<const std::array<std::uint16_t, 3>> triangles,
                       std::span<const Vector> colors) {
  const auto& [a, b, c] = triangles[static_cast<std::size_t>(raster.triangle[pixel])];
  const auto& w = raster.weights[pixel];
  return w[0] * colors[a] + w[1] * colors[b] + w[2] * colors[c];
}

}  // namespace retinaface::mesh
