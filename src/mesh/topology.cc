#include "mesh/topology.h"

#include <cmath>
#include <span>

#include <fmt/format.h>

#include "base/check.h"
#include "graph/weights.h"

extern "C" {
// topology_data.S includes topology.safetensors between these two.
extern const std::byte retinaface_topology_begin[];
extern const std::byte retinaface_topology_end[];
}

namespace retinaface::mesh {
namespace {

constexpr std::size_t kLevels = 3;

std::vector<float> values_of(const graph::Weights& weights, const std::string& name) {
  const graph::Tensor tensor = graph::as_float32(weights.at(name));
  const std::span<const float> values = tensor.values();
  return {values.begin(), values.end()};
}

/// Whole numbers below 2048 are exact in every type of the file.
std::uint16_t whole(float value) {
  RF_CHECK(value >= 0 && value < 2048 && value == std::floor(value));
  return static_cast<std::uint16_t>(value);
}

Topology read() {
  const graph::Weights weights = graph::parse_safetensors(
      {retinaface_topology_begin, retinaface_topology_end}, "built-in topology");
  Topology result;
  const std::vector<float> neutral = values_of(weights, "mean");
  for (std::size_t i = 0; i + 2 < neutral.size(); i += 3) {
    result.neutral.push_back({neutral[i], neutral[i + 1], neutral[i + 2]});
  }
  const std::vector<float> landmarks = values_of(weights, "landmarks_68");
  RF_CHECK(landmarks.size() == result.landmarks_68.size());
  for (std::size_t i = 0; i < landmarks.size(); ++i) result.landmarks_68[i] = whole(landmarks[i]);
  for (std::size_t l = 0; l < kLevels; ++l) {
    Level& level = result.levels.emplace_back();
    const std::vector<float> triangles = values_of(weights, fmt::format("level{}.triangles", l));
    for (std::size_t i = 0; i + 2 < triangles.size(); i += 3) {
      level.triangles.push_back(
          {whole(triangles[i]), whole(triangles[i + 1]), whole(triangles[i + 2])});
      for (const std::uint16_t v : level.triangles.back()) {
        level.vertices = std::max<std::size_t>(level.vertices, v + std::size_t{1});
      }
    }
    if (l + 1 == kLevels) break;
    const std::vector<float> from = values_of(weights, fmt::format("up{}.vertices", l));
    const std::vector<float> shares = values_of(weights, fmt::format("up{}.weights", l));
    RF_CHECK(from.size() == 3 * level.vertices && shares.size() == from.size());
    std::vector<UpsampledVertex>& up = result.upsampling.emplace_back();
    for (std::size_t i = 0; i < from.size(); i += 3) {
      up.push_back({{whole(from[i]), whole(from[i + 1]), whole(from[i + 2])},
                    {shares[i], shares[i + 1], shares[i + 2]}});
    }
  }
  RF_CHECK(result.levels.front().vertices == kMeshVertices &&
           result.neutral.size() == kMeshVertices);
  return result;
}

}  // namespace

const Topology& topology() {
  static const Topology kTopology = read();
  return kTopology;
}

}  // namespace retinaface::mesh

namespace retinaface {

ArrayView<MeshTriangle> mesh_triangles() {
  return mesh::topology().levels.front().triangles;
}

std::array<Point, 68> landmarks_68(const FaceMesh& mesh) {
  if (mesh.vertices.size() != kMeshVertices) {
    fail(ErrorCode::kInvalidArgument, "mesh: expected {} vertices, found {}", kMeshVertices,
         mesh.vertices.size());
  }
  std::array<Point, 68> points;
  for (std::size_t i = 0; i < points.size(); ++i) {
    const MeshVertex& vertex = mesh.vertices[mesh::topology().landmarks_68[i]];
    points[i] = {vertex.x, vertex.y};
  }
  return points;
}

}  // namespace retinaface
