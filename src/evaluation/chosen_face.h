#pragma once

#include <span>

#include "retinaface/face.h"

namespace retinaface::evaluation {

// Which of the faces found is the one that a set means; null where none is.

/// Of the faces whose box contains `point` the one with the highest score.
const Face* best_face_around(std::span<const Face> faces, Point point);

/// The face that overlaps the box most, if their IoU is at least `min_iou`; the first of equals.
const Face* best_face_on(std::span<const Face> faces, const Box& box, float min_iou);

}  // namespace retinaface::evaluation
