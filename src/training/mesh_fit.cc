#include "training/mesh_fit.h"

#include <algorithm>
#include <cmath>
#include <span>

#include "mesh/camera.h"
#include "mesh/head.h"
#include "mesh/rows.h"
#include "mesh/solve.h"
#include "mesh/topology.h"
#include "training/mesh_gradient.h"

namespace retinaface::training {
namespace {

using mesh::Vector;

constexpr std::size_t kPoints = 68;
constexpr std::size_t kUnknowns = mesh::kShapeCodes + mesh::kCameraValues;
constexpr int kPoseSteps = 5;  // in which the shape is the mean one
constexpr int kSteps = 14;
constexpr float kShapePrior = 2e-3F;
constexpr float kCameraPrior = 1e-6F;
constexpr float kOutlineWeight = 0.1F;
constexpr float kMaxChange = 2;     // of a camera's value in a step: 0.6 radians of a turn
constexpr float kMaxCode = 4;       // deviations
constexpr float kMaxError = 0.05F;  // eye distances

float weight_of(std::size_t point) {
  return point < mesh::kFirstInner68 ? kOutlineWeight : 1;
}

/// The normal equations of a step at `now`, and the mean distance of the inner points.
struct Equations {
  std::vector<float> matrix = std::vector<float>(kUnknowns * kUnknowns);
  std::vector<float> right = std::vector<float>(kUnknowns);
  float error = 0;  ///< eye distances
};

Equations equations_of(const mesh::Decoder& decoder, const std::array<Point, kPoints>& points,
                       const mesh::Parameters& now, bool with_shape) {
  const auto& landmarks = mesh::topology().landmarks_68;
  const mesh::Camera camera(now.camera);
  std::vector<float> rows(2 * kPoints * kUnknowns);
  std::vector<float> off(2 * kPoints);
  Equations result;
  for (std::size_t i = 0; i < kPoints; ++i) {
    const mesh::Projected p = project(camera, decoder.vertex(now.shape, landmarks[i]));
    const std::array<float, 2> left = {points[i].x - p.u, points[i].y - p.v};
    if (i >= mesh::kFirstInner68) {
      result.error += std::hypot(left[0], left[1]) / (51 * camera.scale);
    }
    const float factor = std::sqrt(weight_of(i)) / camera.scale;
    for (std::size_t axis = 0; axis < 2; ++axis) {
      const std::span<float> row = std::span(rows).subspan((2 * i + axis) * kUnknowns, kUnknowns);
      CameraGradient by_camera(now.camera);
      const Vector by_vertex = by_camera.add(p, axis == 0 ? factor : 0, axis == 0 ? 0 : factor);
      if (with_shape) {
        for (std::size_t k = 0; k < mesh::kShapeCodes; ++k) {
          row[k] = dot(by_vertex, decoder.component(k, landmarks[i]));
        }
      }
      by_camera.add_to(row.subspan<mesh::kShapeCodes, mesh::kCameraValues>());
      row.back() = 0;  // the distance stays
      off[2 * i + axis] = factor * left[axis];
    }
  }
  mesh::add_rows(off, rows, result.right);
  std::vector<float> column(2 * kPoints);
  for (std::size_t i = 0; i < kUnknowns; ++i) {
    for (std::size_t r = 0; r < column.size(); ++r) column[r] = rows[r * kUnknowns + i];
    const auto to = std::span(result.matrix).subspan(i * kUnknowns, kUnknowns);
    mesh::add_rows(column, rows, to);
    const bool is_shape = i < mesh::kShapeCodes;
    to[i] += is_shape ? kShapePrior : kCameraPrior;
    if (is_shape) result.right[i] -= kShapePrior * now.shape[i];
  }
  result.matrix.back() += 1;  // nothing else speaks of the distance
  return result;
}

}  // namespace

std::vector<Vector> fit_points(const mesh::Decoder& decoder,
                               const std::array<Point, kPoints>& points) {
  mesh::Parameters now;
  for (int step = 0; step < kSteps; ++step) {
    Equations equations = equations_of(decoder, points, now, step >= kPoseSteps);
    mesh::solve(equations.matrix, equations.right);
    for (std::size_t i = 0; i < mesh::kShapeCodes; ++i) {
      now.shape[i] = std::clamp(now.shape[i] + equations.right[i], -kMaxCode, kMaxCode);
    }
    for (std::size_t i = 0; i < mesh::kCameraValues; ++i) {
      const float change = equations.right[mesh::kShapeCodes + i];
      now.camera[i] += std::clamp(change, -kMaxChange, kMaxChange);
    }
  }
  // Not <=: what is no number is no fit.
  if (!(equations_of(decoder, points, now, false).error < kMaxError)) return {};
  std::vector<Vector> vertices;
  decoder.shape(now.shape, vertices);
  const mesh::Camera camera(now.camera);
  for (Vector& vertex : vertices) {
    const mesh::Projected p = project(camera, vertex);
    vertex = {p.u, p.v, -camera.scale * p.turned.z};
  }
  return vertices;
}

}  // namespace retinaface::training
