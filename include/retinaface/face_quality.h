#pragma once

#include "retinaface/export.h"
#include "retinaface/face.h"
#include "retinaface/geometry.h"
#include "retinaface/image.h"
#include "retinaface/mesh.h"

namespace retinaface {

/// What a face's image is worth to a recogniser. All figures are from 0 to 1, 1 the best;
/// doc/quality.md says how they are defined and what they were tested on.
struct FaceQuality {
  float score = 0;      ///< of all: the fourth root of the product of those below
  float sharpness = 0;  ///< of the face as recognisers take it: falls with blur, and where the face
                        ///< is smaller than that
  float size = 0;       ///< the shorter side of its box by 112 px, up to 1
  float frontality = 0;  ///< cos(yaw) cos(pitch)
  float spread = 0;      ///< how close its five points are to how a head has them: falls where some
                         ///< are covered or mistaken
  HeadPose pose;         ///< of its mesh; of its five points where it has none
};

/// How a head with these five points is turned, by the closest view of a mean head: within some
/// three degrees of the mesh's pose for most faces. Throws Error(kInvalidArgument) for points that
/// are no numbers or all in one place.
RETINAFACE_API HeadPose head_pose(const Landmarks& landmarks);

/// The figures of a face that was found in the image. A face without a place in it, its points all
/// in one place or not finite, has 0 of all. Throws Error as align_face does for an image.
RETINAFACE_API FaceQuality face_quality(const ImageView& image, const Face& face);
inline FaceQuality face_quality(const Image& image, const Face& face) {
  return face_quality(image.view(), face);
}

}  // namespace retinaface
