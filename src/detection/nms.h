#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "retinaface/detector.h"

namespace retinaface::detection {

/// Sorts by falling score; faces of one score keep their order.
void sort_by_score(std::vector<Face>& faces);

/// Greedy non-maximum suppression: from the best face down, drops each face whose IoU with one
/// that stays is over `max_iou`. `faces` are sorted by falling score and stay so. Faces with a
/// coordinate that is no number, or beyond 1e9 pixels, which no image has, are dropped as well.
void suppress_overlaps(std::vector<Face>& faces, float max_iou);

/// The same for boxes in an order of their own, best first: the places of those that stay.
std::vector<std::size_t> keep_apart(std::span<const Box> boxes, float max_iou);

/// Where the shared area counts over that of the smaller box: a box inside another one goes,
/// however large the other is. In time that is quadratic in those that stay.
std::vector<std::size_t> keep_uncovered(std::span<const Box> boxes, float max_share);

}  // namespace retinaface::detection
