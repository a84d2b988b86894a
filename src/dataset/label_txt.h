#pragma once

#include <filesystem>

#include "dataset/annotation.h"

namespace retinaface::dataset {

/// Reads RetinaFace's label.txt: a line "# PATH" per picture, then one line per face:
///   4 columns   x y width height
///   20 columns  the same, five times (x y flag), blur
///   26 columns  the same, five times (x y flag), score of the points, and WIDER's attributes blur
///               expression illumination invalid occlusion pose
/// A flag is 0 for a visible point, 1 for a hidden one, -1 for a missing one. The columns may vary
/// from face to face. A box without area stays, as check_annotations wants to see it.
/// Throws Error as read_file does, or kBadData with file and line.
AnnotationSet read_label_txt(const std::filesystem::path& path);

/// Writes the 26-column form; quality and box_is_estimate have no place in it. Throws
/// Error(kUnreadable).
void write_label_txt(const std::filesystem::path& path, const AnnotationSet& set);

}  // namespace retinaface::dataset
