#pragma once

#include <vector>

#include "dataset/annotation.h"
#include "dataset/mtfl_txt.h"

namespace retinaface::dataset {

/// Labels of images with one face each, as mtfl_txt.h has them, for training. There are no boxes:
/// box_around_points makes them, marked as estimates. Profiles are faces of atypical pose.
AnnotationSet annotations_of(const std::vector<PosedFace>& faces);

/// About the box that WIDER FACE's annotators would have drawn around a face with these points: as
/// wide and high as faces of its size are in WIDER (fitted to boxes whose points are known).
Box box_around_points(const Landmarks& points);

}  // namespace retinaface::dataset
