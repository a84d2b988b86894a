#include "mesh/camera.h"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace retinaface::mesh {

Camera::Camera(const CameraValues& values)
    : rotation(rotation_of({kTurn * values[3], kTurn * values[4], kTurn * values[5]})),
      scale(kScale * std::exp(kGrowth * values[2])),
      distance(kDistance * std::exp(kGrowth * values[6])),
      u(kCenterU + kShift * values[0]),
      v(kCenterV + kShift * values[1]) {}

// R = Ry(yaw) Rx(-pitch) Rz(-roll): its last column is where the face looks, its middle row is
// (-cos pitch sin roll, cos pitch cos roll, sin pitch).
HeadPose pose_of(const Rotation& r) {
  constexpr float kDegrees = 180 / std::numbers::pi_v<float>;
  return {kDegrees * std::atan2(r[0].z, r[2].z),
          kDegrees * std::asin(std::clamp(r[1].z, -1.0F, 1.0F)),
          kDegrees * std::atan2(-r[1].x, r[1].y)};
}

HeadPose turned_pose(const HeadPose& pose, float degrees) {
  constexpr float kRadians = std::numbers::pi_v<float> / 180;
  const Rotation yaw = rotation_of({0, kRadians * pose.yaw, 0});
  const Rotation pitch = rotation_of({-kRadians * pose.pitch, 0, 0});
  const Rotation roll = rotation_of({0, 0, -kRadians * pose.roll});
  const Rotation turn = rotation_of({0, 0, -kRadians * degrees});
  Rotation result{};
  for (float Vector::*const axis : {&Vector::x, &Vector::y, &Vector::z}) {
    Vector unit;
    unit.*axis = 1;
    const Vector column = turn * (yaw * (pitch * (roll * unit)));
    result[0].*axis = column.x;
    result[1].*axis = column.y;
    result[2].*axis = column.z;
  }
  return pose_of(result);
}

}  // namespace retinaface::mesh
