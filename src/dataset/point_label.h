#pragma once

#include <filesystem>

#include "dataset/annotation.h"

namespace retinaface::dataset {

/// Reads labels of pictures with one face each, as MTFL and AFLW have them here: per line the
/// picture's name, five times x y, and the head's pose (1 left profile, 2 left, 3 frontal, 4 right,
/// 5 right profile). There are no boxes: box_around_points makes them, marked as estimates.
/// Throws Error as read_file does, or kBadData with file and line.
AnnotationSet read_point_label(const std::filesystem::path& path);

/// About the box that WIDER FACE's annotators would have drawn around a face with these points: as
/// wide and high as faces of its size are in WIDER (fitted to boxes whose points are known).
Box box_around_points(const Landmarks& points);

}  // namespace retinaface::dataset
