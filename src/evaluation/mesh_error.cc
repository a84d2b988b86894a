#include "evaluation/mesh_error.h"

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <span>
#include <utility>

#include <fmt/format.h>

#include "base/check.h"
#include "evaluation/plot.h"
#include "image/warp.h"
#include "mesh/head.h"
#include "mesh/rasterizer.h"
#include "mesh/topology.h"

namespace retinaface::evaluation {
namespace {

constexpr int kSide = 64;  // of the rasters that are compared

/// The mesh in pixels of a raster of a part of the image.
std::vector<mesh::RasterVertex> placed(std::span<const MeshVertex> vertices,
                                       const mesh::Frame& frame) {
  const float scale = kSide / frame.side;
  std::vector<mesh::RasterVertex> result;
  for (const MeshVertex& v : vertices) {
    result.push_back({scale * (v.x - frame.x0), scale * (v.y - frame.y0), -v.z});
  }
  return result;
}

mesh::Raster raster_of(std::span<const MeshVertex> vertices, const mesh::Frame& frame) {
  mesh::Raster raster;
  const ArrayView<MeshTriangle> triangles = mesh_triangles();
  mesh::rasterize(placed(vertices, frame), {triangles.data(), triangles.size()}, kSide, kSide,
                  raster);
  return raster;
}

double pixel_error(const FaceMesh& mesh, const Image& image, const mesh::Frame& frame) {
  const mesh::Raster raster = raster_of(mesh.vertices, frame);
  const Image crop = warp(image, {frame.side / kSide, 0, {frame.x0, frame.y0}}, kSide, kSide);
  const ArrayView<MeshTriangle> triangles = mesh_triangles();
  std::vector<mesh::Vector> colors;
  for (const MeshColor& c : mesh.colors) colors.push_back({c.red, c.green, c.blue});
  double sum = 0;
  for (std::size_t i = 0; i < raster.triangle.size(); ++i) {
    if (raster.triangle[i] == mesh::kNoTriangle) continue;
    const mesh::Vector color = color_at(raster, i, {triangles.data(), triangles.size()}, colors);
    const std::uint8_t* const pixel = crop.row(0) + 3 * i;
    sum += std::abs(color.x - static_cast<float>(pixel[0]) / 255) +
           std::abs(color.y - static_cast<float>(pixel[1]) / 255) +
           std::abs(color.z - static_cast<float>(pixel[2]) / 255);
  }
  const std::size_t covered = raster.covered();
  return covered == 0 ? 1 : sum / (3 * static_cast<double>(covered));
}

double silhouette_iou(std::span<const MeshVertex> found, std::span<const MeshVertex> expected,
                      const mesh::Frame& frame) {
  const mesh::Raster a = raster_of(found, frame);
  const mesh::Raster b = raster_of(expected, frame);
  std::size_t both = 0;
  std::size_t either = 0;
  for (std::size_t i = 0; i < a.triangle.size(); ++i) {
    const bool in_a = a.triangle[i] != mesh::kNoTriangle;
    const bool in_b = b.triangle[i] != mesh::kNoTriangle;
    both += in_a && in_b ? 1 : 0;
    either += in_a || in_b ? 1 : 0;
  }
  return either == 0 ? 0 : static_cast<double>(both) / static_cast<double>(either);
}

/// Mean distance of chosen vertices with depth, whose zero is each mesh's own.
double distance_3d(std::span<const MeshVertex> found, std::span<const MeshVertex> expected,
                   std::span<const std::size_t> chosen) {
  double shift = 0;
  const auto count = static_cast<double>(chosen.size());
  for (const std::size_t i : chosen) shift += (expected[i].z - found[i].z) / count;
  double sum = 0;
  for (const std::size_t i : chosen) {
    sum += std::hypot(found[i].x - expected[i].x, found[i].y - expected[i].y,
                      found[i].z + shift - expected[i].z) /
           count;
  }
  return sum;
}

double eye_distance(std::span<const MeshVertex> vertices) {
  const auto center = [&](std::size_t first) {
    mesh::Vector sum;
    for (std::size_t i = 0; i < 6; ++i) {
      const MeshVertex& v = vertices[mesh::topology().landmarks_68[first + i]];
      sum += 1 / 6.0F * mesh::Vector{v.x, v.y, v.z};
    }
    return sum;
  };
  return length(center(mesh::kLeftEye68) - center(mesh::kRightEye68));
}

double angle_between(float a, float b) {
  return std::abs(std::remainder(static_cast<double>(a) - static_cast<double>(b), 360.0));
}

double mean_distance(std::span<const Point> a, std::span<const Point> b) {
  double sum = 0;
  for (std::size_t i = 0; i < a.size(); ++i) sum += std::hypot(a[i].x - b[i].x, a[i].y - b[i].y);
  return sum / static_cast<double>(a.size());
}

/// One of the figures: its name, what people read, its unit's factor, and where it is.
struct Figure {
  const char* name;
  const char* text;
  double factor;
  const char* unit;
  std::optional<double> (*of)(const MeshError&);
};

constexpr Figure kFigures[] = {
    {"nme_51", "51 inner points", 100, "% of the box",
     [](const MeshError& e) { return e.points_51; }},
    {"nme_68", "68 points", 100, "% of the box", [](const MeshError& e) { return e.points_68; }},
    {"nme_51_depth", "51 points with depth", 100, "% of the box",
     [](const MeshError& e) { return e.depth_51; }},
    {"nme_68_depth", "68 points with depth", 100, "% of the box",
     [](const MeshError& e) { return e.depth_68; }},
    {"nme_five", "five points", 100, "% of the box",
     [](const MeshError& e) { return std::optional(e.five); }},
    {"vertices", "vertices with depth", 100, "% of the eye distance",
     [](const MeshError& e) { return e.vertices; }},
    {"pose", "yaw, pitch and roll", 1, "degrees", [](const MeshError& e) { return e.pose; }},
    {"iou", "silhouette IoU", 1, "", [](const MeshError& e) { return e.silhouette; }},
    {"pixel", "L_pixel", 1, "", [](const MeshError& e) { return std::optional(e.pixel); }},
};

std::optional<double> mean_of(const MeshReport& report, const Figure& figure) {
  double sum = 0;
  std::size_t count = 0;
  for (const MeshError& error : report.errors) {
    const std::optional<double> value = figure.of(error);
    if (!value) continue;
    sum += figure.factor * *value;
    ++count;
  }
  if (count == 0) return std::nullopt;
  return sum / static_cast<double>(count);
}

}  // namespace

MeshError mesh_error(const Face& face, const Image& image, const dataset::MeshLabel& label) {
  RF_CHECK(face.mesh.has_value());
  const FaceMesh& mesh = *face.mesh;
  const double size = std::sqrt(double{label.box.width()} * label.box.height());
  const std::array<Point, 68> points = landmarks_68(mesh);
  MeshError error;
  error.image = label.image;
  error.box = label.box;
  error.five = mean_distance(mesh::five_of(points), label.landmarks) / size;
  if (label.points_68) {
    const std::span<const Point> expected = *label.points_68;
    error.points_68 = mean_distance(points, expected) / size;
    error.points_51 = mean_distance(std::span<const Point>(points).subspan(mesh::kFirstInner68),
                                    expected.subspan(mesh::kFirstInner68)) /
                      size;
  }
  const mesh::Frame frame = mesh::mesh_frame(label.box);
  if (!label.vertices.empty()) {
    std::vector<std::size_t> landmarks(mesh::topology().landmarks_68.begin(),
                                       mesh::topology().landmarks_68.end());
    std::vector<std::size_t> all(kMeshVertices);
    for (std::size_t i = 0; i < all.size(); ++i) all[i] = i;
    error.depth_68 = distance_3d(mesh.vertices, label.vertices, landmarks) / size;
    error.depth_51 =
        distance_3d(mesh.vertices, label.vertices,
                    std::span<const std::size_t>(landmarks).subspan(mesh::kFirstInner68)) /
        size;
    error.vertices = distance_3d(mesh.vertices, label.vertices, all) / eye_distance(label.vertices);
    // Room for what either reaches over the box.
    const mesh::Frame room = {frame.x0 - frame.side / 4, frame.y0 - frame.side / 4,
                              1.5F * frame.side};
    error.silhouette = silhouette_iou(mesh.vertices, label.vertices, room);
  }
  if (label.pose) {
    error.pose = (angle_between(mesh.pose.yaw, label.pose->yaw) +
                  angle_between(mesh.pose.pitch, label.pose->pitch) +
                  angle_between(mesh.pose.roll, label.pose->roll)) /
                 3;
  }
  error.pixel = pixel_error(mesh, image, frame);
  return error;
}

void MeshReport::add(const std::optional<MeshError>& error) {
  ++faces;
  if (error) errors.push_back(*error);
}

std::string format_report(const MeshReport& report) {
  std::string text = fmt::format("{} of {} faces found\n", report.errors.size(), report.faces);
  for (const Figure& figure : kFigures) {
    if (const auto mean = mean_of(report, figure)) {
      text += fmt::format("{:<22} {:8.3f} {}\n", figure.text, *mean, figure.unit);
    }
  }
  return text;
}

nlohmann::json to_json(const MeshReport& report) {
  nlohmann::json result = {{"faces", report.faces}, {"found", report.errors.size()}};
  for (const Figure& figure : kFigures) {
    if (const auto mean = mean_of(report, figure)) result[figure.name] = *mean;
  }
  nlohmann::json& faces = result["by_face"] = nlohmann::json::array();
  for (const MeshError& error : report.errors) {
    const Box& box = error.box;
    nlohmann::json& face = faces.emplace_back(nlohmann::json{
        {"image", error.image.generic_string()}, {"box", {box.x0, box.y0, box.x1, box.y1}}});
    for (const Figure& figure : kFigures) {
      if (const auto value = figure.of(error)) face[figure.name] = figure.factor * *value;
    }
  }
  return result;
}

void draw_mesh_curves(const std::filesystem::path& path, const std::string& name,
                      const MeshReport& report) {
  constexpr double kMax = 0.1;
  Diagram diagram{.title = name,
                  .x_label = "mean error / sqrt(box area)",
                  .y_label = "share of faces",
                  .x_max = kMax,
                  .y_max = 1,
                  .lines = {}};
  int color = 0;
  for (const std::size_t figure : {std::size_t{0}, std::size_t{1}}) {
    std::vector<double> errors;
    for (const MeshError& error : report.errors) {
      if (const auto value = kFigures[figure].of(error)) errors.push_back(*value);
    }
    std::ranges::sort(errors);
    Line line{.label = kFigures[figure].text, .x = {0}, .y = {0}, .color = color++};
    for (std::size_t i = 0; i < errors.size() && errors[i] <= kMax; ++i) {
      line.x.push_back(errors[i]);
      line.y.push_back(static_cast<double>(i + 1) / static_cast<double>(report.faces));
    }
    diagram.lines.push_back(std::move(line));
  }
  draw_diagrams(path, std::span(&diagram, 1));
}

}  // namespace retinaface::evaluation
