#pragma once

#include <vector>

#include "retinaface/detector.h"

#include "geometry/mirror.h"

namespace retinaface::detection {

/// Box voting (Gidaris and Komodakis, "Object detection via a multi-region and semantic
/// segmentation-aware CNN model", 2015, section 4): from the best face down, all faces whose IoU
/// with it is at least `min_iou` become one, whose box and landmarks are their means weighted by
/// score and whose score is the best one's. A face that overlaps no other stays as it is. Made for
/// the faces of several passes over one image, none of them suppressed yet. Sorted by falling
/// score.
std::vector<Face> vote(std::vector<Face> faces, float min_iou);

/// The image seen in a mirror, as RGB.
Image mirrored(ImageView image);

/// A face of a mirrored image, in the frame of the image itself, `width` pixels wide. Left and
/// right landmarks change places, so that left stays left as seen in the image.
Face mirrored(const Face& face, int width);

}  // namespace retinaface::detection
