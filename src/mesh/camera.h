#pragma once

#include <array>
#include <cstddef>
#include <span>
#include <vector>

#include "retinaface/mesh.h"

#include "mesh/vector.h"

namespace retinaface::mesh {

/// Values of the head for the camera: shift right and down, size, turn about x, y and z, distance.
inline constexpr std::size_t kCameraValues = 7;
using CameraValues = std::array<float, kCameraValues>;

/// A pinhole camera that sees the mesh, in a square frame whose side is 1, x right, y down. With
/// the head's values p and a vertex m of the mesh (eye distances):
///
///     X = exp([0.3 p3..5]x) m            turned
///     s = 0.28 e^(0.2 p2)                size of an eye distance
///     d = 20 e^(0.2 p6)                  distance, eye distances; the focal length is s d
///     pi = 1 / (1 - Xz / d)
///     u = 0.5  + 0.05 p0 + s Xx pi
///     v = 0.52 + 0.05 p1 - s Xy pi
///
/// All 0 is the mean face where it lies in its crop (mesh_frame, mesh/branch.h).
struct Camera {
  Rotation rotation{};
  float scale = 0;
  float distance = 0;
  float u = 0;
  float v = 0;

  explicit Camera(const CameraValues& values);
};

inline constexpr float kTurn = 0.3F;
inline constexpr float kShift = 0.05F;
inline constexpr float kGrowth = 0.2F;
inline constexpr float kScale = 0.28F;
inline constexpr float kDistance = 20;
inline constexpr float kCenterU = 0.5F;
inline constexpr float kCenterV = 0.52F;

/// A vertex as the camera sees it.
struct Projected {
  Vector turned;  ///< X
  float u = 0;
  float v = 0;
};

inline Projected project(const Camera& camera, Vector vertex) {
  const Vector x = camera.rotation * vertex;
  const float size = camera.scale / (1 - x.z / camera.distance);
  return {x, camera.u + size * x.x, camera.v - size * x.y};
}

/// The angles of a rotation that turns the mesh, by HeadPose's convention. Yaw in (-180, 180].
HeadPose pose_of(const Rotation& rotation);
/// A pose as it is after the image has been turned by so many degrees, clockwise as seen.
HeadPose turned_pose(const HeadPose& pose, float degrees);

}  // namespace retinaface::mesh
