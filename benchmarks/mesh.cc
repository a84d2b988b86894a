// Milliseconds of the mesh branch on one core: rendering a face on 64x64 pixels and back, and the
// mesh of one detected face from the context features, beside detection itself.
//
//     bench_mesh IMAGE

#include <algorithm>
#include <chrono>
#include <cmath>
#include <functional>
#include <vector>

#include <fmt/format.h>

#include "retinaface/retinaface.h"

#include "mesh/rasterizer.h"
#include "mesh/topology.h"
#include "training/mesh_gradient.h"

namespace {

using namespace retinaface;

/// The fastest of several runs: what else goes on only adds.
double milliseconds(const std::function<void()>& work, int times) {
  double best = INFINITY;
  for (int round = 0; round < 7; ++round) {
    const auto start = std::chrono::steady_clock::now();
    for (int i = 0; i < times; ++i) work();
    const std::chrono::duration<double, std::milli> took = std::chrono::steady_clock::now() - start;
    best = std::min(best, took.count() / times);
  }
  return best;
}

void measure_rendering() {
  constexpr int kSide = 64;
  const auto& triangles = mesh::topology().levels.front().triangles;
  std::vector<mesh::RasterVertex> vertices;
  std::vector<mesh::Vector> colors;
  for (const mesh::Vector& v : mesh::topology().neutral) {
    vertices.push_back({32 + 18 * v.x, 33 - 18 * v.y, v.z});
    colors.push_back({0.5F, 0.4F + 0.1F * v.x, 0.3F + 0.1F * v.y});
  }
  mesh::Raster raster;
  std::vector<mesh::Vector> pixels(kSide * kSide);
  std::vector<mesh::RasterVertex> by_vertex(vertices.size());
  std::vector<mesh::Vector> by_color(colors.size());
  const double forward = milliseconds(
      [&] {
        mesh::rasterize(vertices, triangles, kSide, kSide, raster);
        for (std::size_t i = 0; i < pixels.size(); ++i) {
          if (raster.triangle[i] != mesh::kNoTriangle) {
            pixels[i] = color_at(raster, i, triangles, colors);
          }
        }
      },
      200);
  const double backward = milliseconds(
      [&] {
        training::add_raster_gradient(raster, vertices, triangles, colors, pixels, by_vertex,
                                      by_color);
      },
      200);
  fmt::print("rendering {0}x{0}, {1} triangles: {2:.3f} ms forwards, {3:.3f} ms back\n", kSide,
             triangles.size(), forward, backward);
}

void measure_detection(const char* file) {
  const Image image = read_image(file);
  const Detector detector;
  DetectOptions options;
  options.scales = {1};
  const auto faces = static_cast<double>(detector.detect(image, options).size());
  const double without = milliseconds([&] { detector.detect(image, options); }, 5);
  options.mesh = true;
  const double with = milliseconds([&] { detector.detect(image, options); }, 5);
  fmt::print("{}, {} faces: {:.2f} ms without meshes, {:.2f} ms with, {:.3f} ms a face\n", file,
             faces, without, with, (with - without) / std::max(faces, 1.0));
}

}  // namespace

int main(int argc, char** argv) {
  measure_rendering();
  for (int i = 1; i < argc; ++i) measure_detection(argv[i]);
}
