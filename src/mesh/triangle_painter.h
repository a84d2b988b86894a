#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include "mesh/vector.h"

namespace retinaface::mesh {

/// Rows of a raster with room behind each, so that several pixels are painted at once.
struct PaintedRows {
  static constexpr std::size_t kRoom = 8;  ///< of a row, behind its pixels

  std::size_t stride = 0;  ///< width + kRoom
  std::span<float> depth;
  std::span<std::int32_t> triangle;
  std::span<float> weight_b;  ///< barycentric, of the triangle's second vertex
  std::span<float> weight_c;  ///< and of its third one
};

/// Paints `chosen` triangles over the rows, each where it shows its front, holds a pixel's centre
/// and is nearer (of larger z) than what is there. `rows` are `height` of `width` pixels.
void paint_triangles(std::span<const Vector> vertices,
                     std::span<const std::array<std::uint16_t, 3>> triangles,
                     std::span<const std::uint16_t> chosen, int width, int height,
                     const PaintedRows& rows);

}  // namespace retinaface::mesh
