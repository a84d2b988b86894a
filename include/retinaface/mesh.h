#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "retinaface/array_view.h"
#include "retinaface/export.h"
#include "retinaface/geometry.h"

namespace retinaface {

/// Vertices of every mesh.
inline constexpr std::size_t kMeshVertices = 1024;

/// A vertex in pixels of the image, x and y as Point has them. z is its depth in the same unit:
/// larger is farther from the viewer, 0 where the face's middle is.
struct MeshVertex {
  float x = 0;
  float y = 0;
  float z = 0;
};

/// Red, green and blue of a vertex as the image shows it, light included; 0 to 1.
struct MeshColor {
  float red = 0;
  float green = 0;
  float blue = 0;
};

/// Three vertices, counter-clockwise where the viewer sees the face's outside.
using MeshTriangle = std::array<std::uint16_t, 3>;

/// How a head is turned, in degrees; all 0 looks straight at the viewer. The rotations are applied
/// roll first, then pitch, then yaw.
struct HeadPose {
  float yaw = 0;    ///< positive where the face looks to the image's right
  float pitch = 0;  ///< positive where it looks up
  float roll = 0;   ///< positive where the head is turned clockwise, as seen in the image
};

/// The three-dimensional shape of one face (DetectOptions::mesh).
struct FaceMesh {
  std::vector<MeshVertex> vertices;  ///< kMeshVertices
  std::vector<MeshColor> colors;     ///< as many
  HeadPose pose;
};

/// The triangles of every mesh, the same for all faces; valid for ever.
RETINAFACE_API ArrayView<MeshTriangle> mesh_triangles();

/// The 68 points of Multi-PIE: the jaw's outline from left to right as seen in the image, brows,
/// nose, eyes, mouth. Throws Error(kInvalidArgument) for a mesh that has not kMeshVertices.
RETINAFACE_API std::array<Point, 68> landmarks_68(const FaceMesh& mesh);

}  // namespace retinaface
