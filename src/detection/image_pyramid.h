#pragma once

#include <limits>
#include <vector>

#include "retinaface/detector.h"

#include "models/search_policy.h"

namespace retinaface::detection {

/// One run of the network over the whole image, resized by `scale`, and the faces that are taken
/// from it: those whose longer side, in pixels of the image, lies in [min_px, max_px).
struct PyramidLevel {
  float scale = 1;
  float min_px = 0;
  float max_px = std::numeric_limits<float>::infinity();
};

/// The pyramid for an image of this size that makes faces of any size visible to a network with
/// this policy: its own size, and smaller ones, down to a longer side of coarsest_side_px or less,
/// for faces that are too large there; for a small image an enlarged one, for faces that are too
/// small. For the default model the smaller ones together cost about a tenth of the first, the
/// enlarged one four times as much. Smallest scale first.
std::vector<PyramidLevel> image_pyramid(const models::SearchPolicy& policy, int width, int height);

/// Removes from `faces` those that lie within a larger face of `larger` and score no better: a
/// network that sees a face far larger than its anchors finds faces in parts of the head. "Within":
/// the centre is in the ellipse that fills the larger box or, from min_part_px on, the head around
/// it; so people behind somebody's shoulder stay.
void drop_parts(const models::SearchPolicy& policy, std::vector<Face>& faces,
                const std::vector<Face>& larger);

}  // namespace retinaface::detection
