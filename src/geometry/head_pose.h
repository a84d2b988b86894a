#pragma once

#include "retinaface/geometry.h"
#include "retinaface/mesh.h"

namespace retinaface {
inline namespace internal {

/// A point of a head: x to the right as the viewer sees a face that looks at him, y up, z to the
/// viewer, in eye distances.
struct HeadPoint {
  double x = 0;
  double y = 0;
  double z = 0;
};

/// The mean of heads as detectors put their five points, its middle at (0, 0, 0). It was fitted to
/// the faces of 420 training images of WIDER FACE, whose turns the mesh branch gave.
inline constexpr HeadPoint kMeanHead[5] = {{-0.5, 0.5301, -0.1541},
                                           {0.5, 0.5301, -0.1541},
                                           {0, 0.0275, 0.4816},
                                           {-0.4174, -0.5438, -0.0867},
                                           {0.4174, -0.5438, -0.0867}};

/// The turn at which a head's five points come closest to those of an image.
struct HeadFit {
  HeadPose pose;
  /// Root mean square of the points' distances from where the turned mean head has them, in its eye
  /// distances.
  float deviation = 0;
};

/// The mean head X seen from far away at a turn R = Ry(yaw) Rx(-pitch) Rz(-roll) (HeadPose), scaled
/// and moved so that it comes closest to the points x, which have a spread of 1:
///
///     sum |x_i - s (R X_i)_xy - t|^2 + (0.1 yaw)^2 + (0.1 pitch)^2, angles in radians
///
/// at its minimum, by Levenberg and Marquardt's method from three turns. The last two terms hold
/// what five points tell badly. Against the pose of the mesh branch the median difference is 2.6
/// degrees in yaw and pitch, 1.1 in roll (faces of 40 px and more of 250 images of WIDER FACE's
/// val). Throws Error as check_landmarks does.
HeadFit fit_head(const Landmarks& landmarks);

}  // namespace internal
}  // namespace retinaface
