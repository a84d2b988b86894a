#include "mesh/rasterizer.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace retinaface::mesh {

std::size_t Raster::covered() const {
  return triangle.size() - static_cast<std::size_t>(std::ranges::count(triangle, kNoTriangle));
}

void rasterize(std::span<const RasterVertex> vertices,
               std::span<const std::array<std::uint16_t, 3>> triangles, int width, int height,
               Raster& raster) {
  const auto pixels = static_cast<std::size_t>(width) * static_cast<std::size_t>(height);
  raster.width = width;
  raster.height = height;
  raster.triangle.assign(pixels, kNoTriangle);
  raster.weights.resize(pixels);
  raster.depth.assign(pixels, -std::numeric_limits<float>::infinity());
  for (std::size_t t = 0; t < triangles.size(); ++t) {
    const RasterVertex& a = vertices[triangles[t][0]];
    const RasterVertex& b = vertices[triangles[t][1]];
    const RasterVertex& c = vertices[triangles[t][2]];
    // Counter-clockwise for the viewer is this sign where y points down.
    const float area = (c.x - a.x) * (b.y - a.y) - (b.x - a.x) * (c.y - a.y);
    if (!(area > 1e-9F)) continue;
    const auto [x_min, x_max] = std::minmax({a.x, b.x, c.x});
    const auto [y_min, y_max] = std::minmax({a.y, b.y, c.y});
    if (!(x_max > 0 && y_max > 0 && x_min < static_cast<float>(width) &&
          y_min < static_cast<float>(height)))
      continue;
    const int x0 = static_cast<int>(std::ceil(std::max(x_min, 0.0F) - 0.5F));
    const int y0 = static_cast<int>(std::ceil(std::max(y_min, 0.0F) - 0.5F));
    const int x1 = static_cast<int>(std::floor(std::min(x_max, static_cast<float>(width)) - 0.5F));
    const int y1 = static_cast<int>(std::floor(std::min(y_max, static_cast<float>(height)) - 0.5F));
    const float scale = 1 / area;
    // Weights of b and c grow by these a pixel.
    const float b_dx = scale * (a.y - c.y);
    const float b_dy = scale * (c.x - a.x);
    const float c_dx = scale * (b.y - a.y);
    const float c_dy = scale * (a.x - b.x);
    for (int y = std::max(y0, 0); y <= std::min(y1, height - 1); ++y) {
      const float dy = static_cast<float>(y) + 0.5F - a.y;
      std::size_t pixel = static_cast<std::size_t>(y) * static_cast<std::size_t>(width) +
                          static_cast<std::size_t>(std::max(x0, 0));
      for (int x = std::max(x0, 0); x <= std::min(x1, width - 1); ++x, ++pixel) {
        const float dx = static_cast<float>(x) + 0.5F - a.x;
        const float wb = b_dx * dx + b_dy * dy;
        const float wc = c_dx * dx + c_dy * dy;
        const float wa = 1 - wb - wc;
        if (!(wa >= 0 && wb >= 0 && wc >= 0)) continue;
        const float depth = wa * a.z + wb * b.z + wc * c.z;
        if (!(depth > raster.depth[pixel])) continue;
        raster.depth[pixel] = depth;
        raster.triangle[pixel] = static_cast<std::int32_t>(t);
        raster.weights[pixel] = {wa, wb, wc};
      }
    }
  }
}

}  // namespace retinaface::mesh
