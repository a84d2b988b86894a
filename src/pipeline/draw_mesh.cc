#include "pipeline/draw_mesh.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <set>
#include <span>
#include <utility>
#include <vector>

#include "mesh/rasterizer.h"
#include "mesh/topology.h"

namespace retinaface::pipeline {
namespace {

/// The part of the image that a mesh covers, and the mesh in pixels of that part.
struct Part {
  int x0 = 0;
  int y0 = 0;
  int width = 0;
  int height = 0;
  std::vector<mesh::RasterVertex> vertices;
};

Part part_around(const Image& image, const FaceMesh& mesh) {
  float x0 = static_cast<float>(image.width());
  float y0 = static_cast<float>(image.height());
  float x1 = 0;
  float y1 = 0;
  for (const MeshVertex& v : mesh.vertices) {
    x0 = std::min(x0, v.x);
    y0 = std::min(y0, v.y);
    x1 = std::max(x1, v.x);
    y1 = std::max(y1, v.y);
  }
  const auto within = [](float value, int limit) {
    return static_cast<int>(std::clamp(value, 0.0F, static_cast<float>(limit)));
  };
  Part part;
  part.x0 = within(std::floor(x0), image.width());
  part.y0 = within(std::floor(y0), image.height());
  part.width = within(std::ceil(x1), image.width()) - part.x0;
  part.height = within(std::ceil(y1), image.height()) - part.y0;
  for (const MeshVertex& v : mesh.vertices) {
    part.vertices.push_back(
        {v.x - static_cast<float>(part.x0), v.y - static_cast<float>(part.y0), -v.z});
  }
  return part;
}

void blend(std::uint8_t* pixel, const std::array<float, 3>& color, float share) {
  for (std::size_t c = 0; c < 3; ++c) {
    const auto old = static_cast<float>(pixel[c]);
    pixel[c] =
        static_cast<std::uint8_t>(std::clamp(old + share * (color[c] - old), 0.0F, 255.0F) + 0.5F);
  }
}

/// A line about one pixel wide, smooth across (after Wu 1991).
void draw_line(Image& image, Point a, Point b, const std::array<float, 3>& color, float opacity) {
  const bool is_steep = std::abs(b.y - a.y) > std::abs(b.x - a.x);
  if (is_steep) {
    std::swap(a.x, a.y);
    std::swap(b.x, b.y);
  }
  if (a.x > b.x) std::swap(a, b);
  const float slope = b.x > a.x ? (b.y - a.y) / (b.x - a.x) : 0;
  const int along_limit = is_steep ? image.height() : image.width();
  const int across_limit = is_steep ? image.width() : image.height();
  const int first = std::max(0, static_cast<int>(std::floor(std::max(a.x, -1.0F))));
  const int last =
      std::min(along_limit - 1, static_cast<int>(std::min(b.x, static_cast<float>(along_limit))));
  for (int at = first; at <= last; ++at) {
    const float across = a.y + slope * (static_cast<float>(at) + 0.5F - a.x) - 0.5F;
    if (!(across > -1 && across < static_cast<float>(across_limit))) continue;
    const float below = std::floor(across);
    for (const int step : {0, 1}) {
      const int place = static_cast<int>(below) + step;
      if (place < 0 || place >= across_limit) continue;
      const float share = step == 0 ? 1 - (across - below) : across - below;
      std::uint8_t* const pixel = is_steep ? image.row(at) + std::ptrdiff_t{3} * place
                                           : image.row(place) + std::ptrdiff_t{3} * at;
      blend(pixel, color, opacity * share);
    }
  }
}

/// The triangles of the second finest level by the finest one's vertices, of which it is made.
const std::vector<MeshTriangle>& coarse_triangles() {
  static const std::vector<MeshTriangle> kTriangles = [] {
    const mesh::Topology& topology = mesh::topology();
    std::vector<std::uint16_t> own(topology.levels[1].vertices);
    const auto& rows = topology.upsampling.front();
    std::vector<float> most(own.size());
    for (std::size_t v = 0; v < rows.size(); ++v) {
      for (std::size_t i = 0; i < 3; ++i) {
        const std::uint16_t coarse = rows[v].vertices[i];
        if (rows[v].weights[i] <= most[coarse]) continue;
        most[coarse] = rows[v].weights[i];
        own[coarse] = static_cast<std::uint16_t>(v);
      }
    }
    std::vector<MeshTriangle> triangles;
    for (const auto& [a, b, c] : topology.levels[1].triangles) {
      triangles.push_back({own[a], own[b], own[c]});
    }
    return triangles;
  }();
  return kTriangles;
}

}  // namespace

void draw_wireframe(Image& image, const FaceMesh& mesh) {
  if (mesh.vertices.size() != kMeshVertices || image.empty()) return;
  const Part part = part_around(image, mesh);
  if (part.width <= 0 || part.height <= 0) return;
  constexpr int kFineFromPx = 160;
  const bool is_fine = std::max(part.width, part.height) >= kFineFromPx;
  const ArrayView<MeshTriangle> all = mesh_triangles();
  const std::span<const MeshTriangle> triangles =
      is_fine ? std::span(all.data(), all.size()) : std::span(coarse_triangles());
  // Where an edge's triangle is seen: its middle is not behind another one.
  mesh::Raster raster;
  mesh::rasterize(part.vertices, triangles, part.width, part.height, raster);
  std::set<std::int32_t> seen(raster.triangle.begin(), raster.triangle.end());
  std::set<std::pair<std::uint16_t, std::uint16_t>> edges;
  for (std::size_t t = 0; t < triangles.size(); ++t) {
    if (!seen.contains(static_cast<std::int32_t>(t))) continue;
    for (std::size_t i = 0; i < 3; ++i) {
      edges.insert(std::minmax(triangles[t][i], triangles[t][(i + 1) % 3]));
    }
  }
  constexpr std::array<float, 3> kColor = {90, 255, 160};
  for (const auto& [a, b] : edges) {
    draw_line(image, {mesh.vertices[a].x, mesh.vertices[a].y},
              {mesh.vertices[b].x, mesh.vertices[b].y}, kColor, 0.55F);
  }
}

void draw_shaded(Image& image, const FaceMesh& mesh) {
  if (mesh.vertices.size() != kMeshVertices || mesh.colors.size() != kMeshVertices || image.empty())
    return;
  const Part part = part_around(image, mesh);
  if (part.width <= 0 || part.height <= 0) return;
  const ArrayView<MeshTriangle> all = mesh_triangles();
  const std::span<const MeshTriangle> triangles(all.data(), all.size());
  std::vector<mesh::Vector> colors;
  for (const MeshColor& c : mesh.colors) {
    colors.push_back({255 * c.red, 255 * c.green, 255 * c.blue});
  }
  mesh::Raster raster;
  mesh::rasterize(part.vertices, triangles, part.width, part.height, raster);
  for (int y = 0; y < part.height; ++y) {
    for (int x = 0; x < part.width; ++x) {
      const auto pixel = static_cast<std::size_t>(y) * static_cast<std::size_t>(part.width) +
                         static_cast<std::size_t>(x);
      if (raster.triangle[pixel] == mesh::kNoTriangle) continue;
      const mesh::Vector color = color_at(raster, pixel, triangles, colors);
      blend(image.row(part.y0 + y) + std::ptrdiff_t{3} * (part.x0 + x), {color.x, color.y, color.z},
            1);
    }
  }
}

}  // namespace retinaface::pipeline
