#include "mesh/rasterizer.h"

#include <algorithm>
#include <limits>

#include "mesh/triangle_filter.h"

namespace retinaface::mesh {

namespace {

/// Without branches, which std::min of a list has, and which no processor foresees here.
float min_of(float a, float b, float c) {
  return std::min(std::min(a, b), c);
}

/// The first pixel whose centre is at `x` or beyond, x >= 0. Without std::ceil, a call on
/// processors before SSE 4.1, which most triangles would spend more on than on their pixels.
int first_center(float x) {
  const int whole = static_cast<int>(x);
  return whole + (x - static_cast<float>(whole) > 0.5F ? 1 : 0);
}

/// The last pixel whose centre is at `x` or before.
int last_center(float x) {
  const int whole = static_cast<int>(x);
  return whole - (x - static_cast<float>(whole) < 0.5F ? 1 : 0);
}

}  // namespace

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
  std::vector<std::uint16_t> candidates(triangles.size());
  candidates.resize(filter_triangles(vertices, triangles, width, height, candidates));
  for (const std::size_t t : candidates) {
    const RasterVertex& a = vertices[triangles[t][0]];
    const RasterVertex& b = vertices[triangles[t][1]];
    const RasterVertex& c = vertices[triangles[t][2]];
    // Counter-clockwise for the viewer is this sign where y points down.
    const float area = (c.x - a.x) * (b.y - a.y) - (b.x - a.x) * (c.y - a.y);
    if (!(area > 1e-9F)) continue;
    const float x_min = min_of(a.x, b.x, c.x);
    const float y_min = min_of(a.y, b.y, c.y);
    const float x_max = -min_of(-a.x, -b.x, -c.x);
    const float y_max = -min_of(-a.y, -b.y, -c.y);
    if (!(x_max > 0 && y_max > 0 && x_min < static_cast<float>(width) &&
          y_min < static_cast<float>(height)))
      continue;
    const int x0 = first_center(std::max(x_min, 0.0F));
    const int y0 = first_center(std::max(y_min, 0.0F));
    const int x1 = last_center(std::min(x_max, static_cast<float>(width)));
    const int y1 = last_center(std::min(y_max, static_cast<float>(height)));
    if (x0 > x1 || y0 > y1) continue;  // between pixels' centres, as half of them are
    const float scale = 1 / area;
    // Weights of b and c grow by these a pixel.
    const float b_dx = scale * (a.y - c.y);
    const float b_dy = scale * (c.x - a.x);
    const float c_dx = scale * (b.y - a.y);
    const float c_dy = scale * (a.x - b.x);
    for (int y = y0; y <= y1; ++y) {
      const float dy = static_cast<float>(y) + 0.5F - a.y;
      const float b_row = b_dy * dy;
      const float c_row = c_dy * dy;
      std::size_t pixel = static_cast<std::size_t>(y) * static_cast<std::size_t>(width) +
                          static_cast<std::size_t>(x0);
      for (int x = x0; x <= x1; ++x, ++pixel) {
        const float dx = static_cast<float>(x) + 0.5F - a.x;
        const float wb = b_dx * dx + b_row;
        const float wc = c_dx * dx + c_row;
        const float wa = 1 - wb - wc;
        if (!(min_of(wa, wb, wc) >= 0)) continue;
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
