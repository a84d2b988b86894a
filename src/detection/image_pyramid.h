#pragma once

#include <limits>
#include <vector>

#include "retinaface/detector.h"

namespace retinaface::detection {

/// One run of the network over the whole image, resized by `scale`, and the faces that are taken
/// from it: those whose longer side, in pixels of the image, lies in [min_px, max_px).
struct PyramidLevel {
  float scale = 1;
  float min_px = 0;
  float max_px = std::numeric_limits<float>::infinity();
};

/// The pyramid for an image of this size that make faces of any size visible to a network whose
/// largest anchors are 512 px: its own size, and smaller ones, down to a longer side of 512 px or
/// less, for faces that are too large there. The smaller ones together cost about a tenth of the
/// first. Smallest scale first.
std::vector<PyramidLevel> image_pyramid(int width, int height);

/// Removes from `faces` those that lie within a larger face of `larger` and score no better: a
/// network that sees a face far larger than its anchors finds faces in parts of the head. "Within":
/// the centre is in the ellipse that fills the larger box or, unless the face is small, the head
/// around it; so people behind somebody's shoulder stay.
void drop_parts(std::vector<Face>& faces, const std::vector<Face>& larger);

}  // namespace retinaface::detection
