#pragma once

#include <array>
#include <filesystem>
#include <optional>
#include <vector>

#include "retinaface/mesh.h"

namespace retinaface::dataset {

/// What is known of the shape of one face of an image, in pixels.
struct MeshLabel {
  std::filesystem::path image;  ///< from the folder that a set's labels start from
  Box box;
  Landmarks landmarks{};
  std::optional<std::array<Point, 68>> points_68;  ///< Multi-PIE's order
  /// Of faces that were made: all of it. kMeshVertices vertices.
  std::vector<MeshVertex> vertices;
  std::optional<HeadPose> pose;
  bool is_test = false;  ///< to judge by, never to learn from
};

/// Reads labels as tools/mesh/labels.py and tools/mesh/made_faces.py write them: one JSON object a
/// line, {"image", "box": [x0, y0, x1, y1], "landmarks": [[x, y] x5], "points_68": [[x, y] x68],
/// "is_test"}, and of made faces "vertices": [[x, y, z] x1024] and "pose": {"yaw", "pitch",
/// "roll"}. Throws Error: kNotFound, kUnreadable, kBadData with the file and line.
std::vector<MeshLabel> read_mesh_labels(const std::filesystem::path& path);

}  // namespace retinaface::dataset
