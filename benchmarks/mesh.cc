// Milliseconds of one core's time that the mesh branch takes: rendering a face on 64x64 pixels and
// back, and the meshes of the faces of images beside detection itself. Of an image also what is
// paid once, whatever its faces: the context features and their copies.
//
//     bench_mesh IMAGE

#include <algorithm>
#include <cmath>
#include <ctime>
#include <functional>
#include <vector>

#include <fmt/format.h>

#include "retinaface/retinaface.h"

#include "mesh/rasterizer.h"
#include "mesh/topology.h"
#include "training/mesh_gradient.h"

namespace {

using namespace retinaface;

/// Of the processor, which other programs do not count in; the fastest of several runs.
double milliseconds(const std::function<void()>& work, int times) {
  double best = INFINITY;
  for (int round = 0; round < 15; ++round) {
    const std::clock_t start = std::clock();
    for (int i = 0; i < times; ++i) work();
    const auto took = static_cast<double>(std::clock() - start);
    best = std::min(best, 1000 * took / CLOCKS_PER_SEC / times);
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
  fmt::print(
      "rendering {0}x{0}, {1} triangles: {2:.3f} ms forwards, {3:.3f} ms back, {4:.3f} ms together "
      "(0.2 at most)\n",
      kSide, triangles.size(), forward, backward, forward + backward);
}

void measure_detection(const char* file) {
  const Image image = read_image(file);
  const Detector detector;
  DetectOptions options;
  options.scales = {1};
  const auto faces = static_cast<double>(detector.detect(image, options).size());
  DetectOptions with_meshes = options;
  with_meshes.mesh = true;
  DetectOptions no_faces = options;
  no_faces.min_score = 1;
  DetectOptions no_faces_with_meshes = no_faces;
  no_faces_with_meshes.mesh = true;
  const auto measure = [&](const DetectOptions& how, int times = 3) {
    return milliseconds([&] { detector.detect(image, how); }, times);
  };
  const double without = measure(options);
  const double with = measure(with_meshes);
  DetectOptions refined = with_meshes;
  refined.refine_mesh = true;
  const double refining = measure(refined, 1) - with;
  const double once = measure(no_faces_with_meshes) - measure(no_faces);
  fmt::print(
      "{}, {} faces: {:.2f} ms without meshes, {:.2f} ms with: {:.3f} ms a face (0.4 at most), "
      "{:.2f} ms more to refine it; {:.2f} ms for an image without faces\n",
      file, faces, without, with, (with - without) / std::max(faces, 1.0),
      refining / std::max(faces, 1.0), once);
}

}  // namespace

int main(int argc, char** argv) {
  measure_rendering();
  for (int i = 1; i < argc; ++i) measure_detection(argv[i]);
}
