#pragma once

#include <vector>

#include "retinaface/detector.h"

namespace retinaface::detection {

/// Sorts by falling score; faces of one score keep their order.
void sort_by_score(std::vector<Face>& faces);

/// Greedy non-maximum suppression: from the best face down, drops each face whose IoU with one
/// that stays is over `max_iou`. `faces` are sorted by falling score and stay so. Faces with a
/// coordinate that is no number, or beyond 1e9 pixels, which no image has, are dropped as well.
void suppress_overlaps(std::vector<Face>& faces, float max_iou);

}  // namespace retinaface::detection
