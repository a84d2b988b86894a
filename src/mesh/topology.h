#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "retinaface/mesh.h"

#include "mesh/vector.h"

namespace retinaface::mesh {

/// One resolution of the mesh.
struct Level {
  std::size_t vertices = 0;
  std::vector<MeshTriangle> triangles;  ///< counter-clockwise as seen from outside
};

/// From a level to the next finer one: vertex i lies at the mean of three coarser ones, `vertices`
/// of its row, by weights that add up to 1.
struct UpsampledVertex {
  std::array<std::uint16_t, 3> vertices{};
  std::array<float, 3> weights{};
};

/// What all faces have in common. Made by tools/mesh/topology.py of ICT-FaceKit's face model
/// (src/mesh/topology.md).
struct Topology {
  std::vector<Level> levels;  ///< finest first: kMeshVertices, then coarser ones
  std::vector<std::vector<UpsampledVertex>>
      upsampling;  ///< [l]: of level l's vertices from l + 1's
  std::array<std::uint16_t, 68>
      landmarks_68{};           ///< vertices of the finest level, Multi-PIE's order
  std::vector<Vector> neutral;  ///< the model's neutral face, finest level
};

/// The one that is part of the library, read when it is first asked for. Safe for several threads.
const Topology& topology();

/// Eye centres, nose tip and corners of the mouth of 68 points in Multi-PIE's order: the eyes as
/// the means of their six.
inline constexpr std::array<std::size_t, 3> kNoseAndMouth68 = {30, 48, 54};
inline constexpr std::size_t kFirstInner68 = 17;  ///< those before are of the jaw's outline
inline constexpr std::size_t kLeftEye68 = 36;     ///< as seen in the image; six points
inline constexpr std::size_t kRightEye68 = 42;

template <typename Point>
std::array<Point, 5> five_of(const std::array<Point, 68>& points) {
  std::array<Point, 5> five{};
  for (std::size_t i = 0; i < 6; ++i) {
    for (const auto& [eye, first] : {std::pair(0, kLeftEye68), std::pair(1, kRightEye68)}) {
      five[static_cast<std::size_t>(eye)].x += points[first + i].x / 6;
      five[static_cast<std::size_t>(eye)].y += points[first + i].y / 6;
    }
  }
  for (std::size_t i = 0; i < 3; ++i) five[2 + i] = points[kNoseAndMouth68[i]];
  return five;
}

}  // namespace retinaface::mesh
