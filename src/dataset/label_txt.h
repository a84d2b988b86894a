#pragma once

#include <filesystem>
#include <string>

#include "dataset/annotation.h"
#include "dataset/text_lines.h"

namespace retinaface::dataset {

/// Reads RetinaFace's label.txt: a line "# PATH" per image, then one line per face:
///   4 columns   x y width height
///   20 columns  the same, five times (x y flag), blur
///   26 columns  the same, five times (x y flag), score of the points, and WIDER's attributes blur
///               expression illumination invalid occlusion pose
///   27 columns  the same, and the quality from 1 to 5; 0 where it is not known
/// A flag is 0 for a visible point, 1 for a hidden one, -1 for a missing one. The columns may vary
/// from face to face. A box without area stays, as check_annotations wants to see it.
/// Throws Error as read_named_file does, or kBadData with file and line.
AnnotationSet read_label_txt(const std::filesystem::path& path);
AnnotationSet parse_label_txt(const TextFile& file);

/// Writes 26 columns, 27 for faces of known quality. Coordinates have two digits after the point;
/// box_is_estimate and the images' sizes have no place here. `name` stands for the file in
/// messages. Throws Error(kUnsupported) as check_written_path.
std::string format_label_txt(const AnnotationSet& set, const std::string& name);

}  // namespace retinaface::dataset
