#pragma once

#include <span>
#include <vector>

#include "retinaface/image.h"

#include "evaluation/wider_ground_truth.h"

namespace retinaface::evaluation {

/// Draws what a detector makes of an image's hard faces: faces found in green, false positives in
/// red, missed faces (the annotation) in yellow, detections that are ignored in gray. Detections
/// below `min_score` are left out. Where the longer side has more than `max_side` pixels, the
/// image is shrunk before.
Image draw_judged(const Image& image, const WiderImage& annotated,
                  std::vector<Detection> detections, double min_score, int max_side);

/// Images of one height in a row, a white gap between them. At least one.
Image side_by_side(std::span<const Image> images);

}  // namespace retinaface::evaluation
