#include "mesh/rasterizer.h"

#include <algorithm>
#include <limits>

#include "mesh/triangle_filter.h"
#include "mesh/triangle_painter.h"

namespace retinaface::mesh {

std::size_t Raster::covered() const {
  return triangle.size() - static_cast<std::size_t>(std::ranges::count(triangle, kNoTriangle));
}

void rasterize(std::span<const RasterVertex> vertices,
               std::span<const std::array<std::uint16_t, 3>> triangles, int width, int height,
               Raster& raster) {
  const auto columns = static_cast<std::size_t>(width);
  const auto lines = static_cast<std::size_t>(height);
  std::vector<std::uint16_t> candidates(triangles.size());
  candidates.resize(filter_triangles(vertices, triangles, width, height, candidates));
  const std::size_t stride = columns + PaintedRows::kRoom;
  const std::size_t size = stride * lines;
  raster.painted.resize(3 * size);
  raster.painted_triangles.assign(size, kNoTriangle);
  const std::span<float> painted(raster.painted);
  const PaintedRows rows = {stride, painted.first(size), raster.painted_triangles,
                            painted.subspan(size, size), painted.last(size)};
  std::ranges::fill(rows.depth, -std::numeric_limits<float>::infinity());
  paint_triangles(vertices, triangles, candidates, width, height, rows);
  raster.width = width;
  raster.height = height;
  raster.triangle.resize(columns * lines);
  raster.weights.resize(columns * lines);
  raster.depth.resize(columns * lines);
  for (std::size_t y = 0; y < lines; ++y) {
    const std::size_t from = y * stride;
    const std::size_t to = y * columns;
    std::copy_n(&rows.triangle[from], columns, &raster.triangle[to]);
    std::copy_n(&rows.depth[from], columns, &raster.depth[to]);
    for (std::size_t x = 0; x < columns; ++x) {
      const float b = rows.weight_b[from + x];
      const float c = rows.weight_c[from + x];
      raster.weights[to + x] = {1 - b - c, b, c};
    }
  }
}

}  // namespace retinaface::mesh
