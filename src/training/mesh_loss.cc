#include "training/mesh_loss.h"

#include <algorithm>
#include <cmath>

#include "base/check.h"
#include "mesh/rows.h"
#include "mesh/topology.h"
#include "training/mesh_gradient.h"

namespace retinaface::training {

using mesh::Vector;

namespace {

constexpr auto kSide = static_cast<float>(kMeshCropSide);
constexpr float kMinTriangle_px = 0.5F;

float sign(float value) {
  return static_cast<float>((value > 0) - (value < 0));
}

std::span<float, mesh::kCameraValues> camera_part(std::span<float, mesh::kParameters> gradient) {
  return gradient.subspan<mesh::kCodes, mesh::kCameraValues>();
}

std::span<float> shape_part(std::span<float, mesh::kParameters> gradient) {
  return gradient.first(mesh::kShapeCodes);
}

}  // namespace

MeshLossTerms& MeshLossTerms::operator+=(const MeshLossTerms& other) {
  total += other.total;
  pixel += other.pixel;
  five += other.five;
  points += other.points;
  vertices += other.vertices;
  edges += other.edges;
  prior += other.prior;
  return *this;
}

MeshLoss::MeshLoss(const mesh::Decoder& decoder) : decoder_(decoder) {
  const std::array<float, mesh::kShapeCodes> none{};
  const auto add = [](std::vector<float>& out, Vector v) {
    out.insert(out.end(), {v.x, v.y, v.z});
  };
  const auto& landmarks = mesh::topology().landmarks_68;
  for (const std::uint16_t vertex : landmarks) add(point_mean_, decoder.vertex(none, vertex));
  for (std::size_t k = 0; k < mesh::kShapeCodes; ++k) {
    for (const std::uint16_t vertex : landmarks) {
      add(point_components_, decoder.component(k, vertex));
    }
  }
}

std::array<Point, 68> MeshLoss::points(const mesh::Parameters& parameters) const {
  std::vector<float> flat = point_mean_;
  mesh::add_rows(parameters.shape, point_components_, flat);
  const mesh::Camera camera(parameters.camera);
  std::array<Point, 68> points;
  for (std::size_t i = 0; i < points.size(); ++i) {
    const mesh::Projected p = project(camera, {flat[3 * i], flat[3 * i + 1], flat[3 * i + 2]});
    points[i] = {p.u, p.v};
  }
  return points;
}

double MeshLoss::points_loss(const mesh::Parameters& parameters, const MeshTarget& target,
                             const MeshLossOptions& options,
                             std::span<float, mesh::kParameters> gradient, MeshLossTerms& terms) {
  std::vector<float> flat = point_mean_;
  mesh::add_rows(parameters.shape, point_components_, flat);
  const mesh::Camera camera(parameters.camera);
  std::array<mesh::Projected, 68> projected;
  std::array<Vector, 68> vertices;
  std::array<Point, 68> points;
  for (std::size_t i = 0; i < 68; ++i) {
    vertices[i] = {flat[3 * i], flat[3 * i + 1], flat[3 * i + 2]};
    projected[i] = project(camera, vertices[i]);
    points[i] = {projected[i].u, projected[i].v};
  }
  std::array<Point, 68> by_point{};  // derivatives
  double loss = 0;
  const std::array<Point, 5> five = mesh::five_of(points);
  for (std::size_t i = 0; i < five.size(); ++i) {
    const Point off = {five[i].x - target.five[i].x, five[i].y - target.five[i].y};
    terms.five += (std::abs(off.x) + std::abs(off.y)) / 5;
    const Point pull = {options.five_weight * sign(off.x) / 5,
                        options.five_weight * sign(off.y) / 5};
    const auto add = [&](std::size_t point, float share) {
      by_point[point].x += share * pull.x;
      by_point[point].y += share * pull.y;
    };
    if (i >= 2) {
      add(mesh::kNoseAndMouth68[i - 2], 1);
      continue;
    }
    const std::size_t first = i == 0 ? mesh::kLeftEye68 : mesh::kRightEye68;
    for (std::size_t k = 0; k < 6; ++k) add(first + k, 1 / 6.0F);
  }
  loss += options.five_weight * terms.five;
  if (target.points) {
    double outline = 0;
    for (std::size_t i = 0; i < 68; ++i) {
      const Point off = {points[i].x - (*target.points)[i].x, points[i].y - (*target.points)[i].y};
      const bool is_inner = i >= mesh::kFirstInner68;
      const float count = is_inner ? 51 : 17;
      const float weight = (is_inner ? options.points_weight : options.outline_weight) / count;
      (is_inner ? terms.points : outline) += (std::abs(off.x) + std::abs(off.y)) / count;
      by_point[i].x += weight * sign(off.x);
      by_point[i].y += weight * sign(off.y);
    }
    loss += options.points_weight * terms.points + options.outline_weight * outline;
  }
  CameraGradient by_camera(parameters.camera);
  std::vector<float> by_vertex(flat.size());
  for (std::size_t i = 0; i < 68; ++i) {
    const Vector g = by_camera.add(projected[i], by_point[i].x, by_point[i].y);
    by_vertex[3 * i] = g.x;
    by_vertex[3 * i + 1] = g.y;
    by_vertex[3 * i + 2] = g.z;
  }
  by_camera.add_to(camera_part(gradient));
  mesh::add_products(point_components_, by_vertex, shape_part(gradient));
  return loss;
}

double MeshLoss::vertex_loss(const mesh::Parameters& parameters, const MeshTarget& target,
                             const MeshLossOptions& options,
                             std::span<float, mesh::kParameters> gradient, MeshLossTerms& terms) {
  RF_CHECK(target.vertices.size() == kMeshVertices);
  const std::span<const MeshTriangle> triangles = mesh::topology().levels.front().triangles;
  decoder_.shape(parameters.shape, vertices_);
  const mesh::Camera camera(parameters.camera);
  std::vector<mesh::Projected> projected;
  std::vector<Vector> placed;
  for (const Vector& vertex : vertices_) {
    const mesh::Projected p = project(camera, vertex);
    projected.push_back(p);
    placed.push_back({p.u, p.v, -camera.scale * p.turned.z});
  }
  std::vector<Vector> by_placed(placed.size());
  const auto count = static_cast<float>(placed.size());
  for (std::size_t i = 0; i < placed.size(); ++i) {
    const Vector off = placed[i] - target.vertices[i];
    terms.vertices += (std::abs(off.x) + std::abs(off.y) + std::abs(off.z)) / count;
    by_placed[i] = options.vertex_weight / count * Vector{sign(off.x), sign(off.y), sign(off.z)};
  }
  const auto sides = static_cast<float>(3 * triangles.size());
  for (const MeshTriangle& t : triangles) {
    for (std::size_t k = 0; k < 3; ++k) {
      const std::size_t a = t[k];
      const std::size_t b = t[(k + 1) % 3];
      const Vector side = placed[b] - placed[a];
      const float size = length(side);
      const float off = size - length(target.vertices[b] - target.vertices[a]);
      terms.edges += std::abs(off) / sides;
      const Vector pull = options.edge_weight * sign(off) / (sides * std::max(size, 1e-9F)) * side;
      by_placed[b] += pull;
      by_placed[a] += -1 * pull;
    }
  }
  CameraGradient by_camera(parameters.camera);
  std::vector<Vector> by_vertex(placed.size());
  for (std::size_t i = 0; i < placed.size(); ++i) {
    const Vector& g = by_placed[i];
    by_vertex[i] = by_camera.add(projected[i], g.x, g.y, {}, g.z);
  }
  by_camera.add_to(camera_part(gradient));
  decoder_.add_shape_gradient(by_vertex, shape_part(gradient));
  return options.vertex_weight * terms.vertices + options.edge_weight * terms.edges;
}

double MeshLoss::pixel_loss(const mesh::Parameters& parameters, const MeshTarget& target,
                            const MeshLossOptions& options,
                            std::span<float, mesh::kParameters> gradient) {
  RF_CHECK(target.crop.size() == 3 * kMeshCropSide * kMeshCropSide);
  const std::span<const MeshTriangle> triangles = mesh::topology().levels.front().triangles;
  decoder_.shape(parameters.shape, vertices_);
  decoder_.texture(parameters.texture, albedo_);
  const mesh::Camera camera(parameters.camera);
  const mesh::Light light(parameters.light);
  std::vector<mesh::Projected> projected;
  std::vector<Vector> turned;
  std::vector<mesh::RasterVertex> placed;
  for (const Vector& vertex : vertices_) {
    const mesh::Projected p = project(camera, vertex);
    projected.push_back(p);
    turned.push_back(p.turned);
    placed.push_back({kSide * p.u, kSide * p.v, p.turned.z});
  }
  const std::vector<Vector> sums = mesh::normal_sums(turned, triangles);
  std::vector<Vector> colors;
  for (std::size_t i = 0; i < turned.size(); ++i) {
    const Vector factor = shading(light, lit_share(light, turned[i], mesh::unit_normal(sums[i])));
    colors.push_back({albedo_[i].x * factor.x, albedo_[i].y * factor.y, albedo_[i].z * factor.z});
  }
  mesh::rasterize(placed, triangles, kMeshCropSide, kMeshCropSide, raster_);
  const std::size_t covered = raster_.covered();
  if (covered == 0) return 0;
  const float share = 1 / (3 * static_cast<float>(covered));
  std::vector<Vector> by_pixel(raster_.triangle.size());
  double loss = 0;
  for (std::size_t i = 0; i < by_pixel.size(); ++i) {
    if (raster_.triangle[i] == mesh::kNoTriangle) continue;
    const Vector color = color_at(raster_, i, triangles, colors);
    const std::uint8_t* const pixel = target.crop.data() + 3 * i;
    const Vector off = {color.x - static_cast<float>(pixel[0]) / 255,
                        color.y - static_cast<float>(pixel[1]) / 255,
                        color.z - static_cast<float>(pixel[2]) / 255};
    loss += share * (std::abs(off.x) + std::abs(off.y) + std::abs(off.z));
    by_pixel[i] = options.pixel_weight * share * Vector{sign(off.x), sign(off.y), sign(off.z)};
  }
  std::vector<mesh::RasterVertex> by_placed(placed.size());
  std::vector<Vector> by_color(colors.size());
  add_raster_gradient(raster_, placed, triangles, colors, by_pixel, by_placed, by_color,
                      kMinTriangle_px);
  std::vector<Vector> by_albedo(albedo_.size());
  const bool moves = options.pixel_to_geometry > 0;
  std::vector<Vector> by_turned(moves ? turned.size() : 0);
  add_light_gradient(light, turned, sums, triangles, albedo_, by_color, by_albedo, by_turned,
                     gradient.subspan<mesh::kCodes + mesh::kCameraValues, mesh::kLightValues>());
  decoder_.add_texture_gradient(by_albedo,
                                gradient.subspan<mesh::kShapeCodes, mesh::kTextureCodes>());
  if (!moves) return loss;
  CameraGradient by_camera(parameters.camera);
  const float weight = options.pixel_to_geometry;
  std::vector<Vector> by_vertex(vertices_.size());
  for (std::size_t i = 0; i < vertices_.size(); ++i) {
    by_vertex[i] = by_camera.add(projected[i], weight * kSide * by_placed[i].x,
                                 weight * kSide * by_placed[i].y, weight * by_turned[i]);
  }
  by_camera.add_to(camera_part(gradient));
  decoder_.add_shape_gradient(by_vertex, shape_part(gradient));
  return loss;
}

MeshLossTerms MeshLoss::operator()(const mesh::Parameters& parameters, const MeshTarget& target,
                                   const MeshLossOptions& options,
                                   std::span<float, mesh::kParameters> gradient) {
  MeshLossTerms terms;
  terms.total = points_loss(parameters, target, options, gradient, terms);
  if (!target.vertices.empty() && options.vertex_weight + options.edge_weight > 0) {
    terms.total += vertex_loss(parameters, target, options, gradient, terms);
  }
  if (options.pixel_weight > 0) {
    terms.pixel = pixel_loss(parameters, target, options, gradient);
    terms.total += options.pixel_weight * terms.pixel;
  }
  const auto values =
      std::span<const float, mesh::kParameters>(parameters.shape.data(), mesh::kParameters);
  for (std::size_t i = 0; i < values.size(); ++i) {
    const float weight = i < mesh::kShapeCodes ? options.shape_prior
                         : i < mesh::kCodes    ? options.texture_prior
                                               : options.pose_prior;
    terms.prior += weight * values[i] * values[i];
    gradient[i] += 2 * weight * values[i];
  }
  terms.total += terms.prior;
  return terms;
}

}  // namespace retinaface::training
