#pragma once

#include <cstddef>
#include <span>
#include <string>

#include "dataset/annotation.h"
#include "dataset/text_lines.h"

namespace retinaface::dataset {

/// Reads WIDER FACE's wider_face_train_bbx_gt.txt and wider_face_val_bbx_gt.txt: per image a line
/// with its path, one with the number of its faces, and for each face x y width height blur
/// expression illumination invalid occlusion pose. Invalid faces are ignored ones. Below an image
/// of no face WIDER has a line of zeros.
/// Throws Error(kBadData) with file and line.
AnnotationSet parse_wider_bbx_gt(const TextFile& file);

/// Writes the same. Points, quality and sizes have no place in it; blur is rounded to WIDER's
/// levels, coordinates to two digits after the point. `name` stands for the file in messages.
/// Throws Error(kUnsupported) as check_written_path and for paths that look like numbers.
std::string format_wider_bbx_gt(const AnnotationSet& set, const std::string& name);

/// WIDER's attributes in the order of its files: blur expression illumination invalid occlusion
/// pose.
inline constexpr std::size_t kWiderAttributes = 6;

/// Takes them over into the face. Throws Error(kBadData) unless those but blur are whole numbers
/// from 0 to 9.
void parse_wider_attributes(const TextLine& line, std::span<const float> columns,
                            AnnotatedFace& face);
/// Those after blur, with spaces between.
std::string format_wider_flags(const AnnotatedFace& face);

}  // namespace retinaface::dataset
