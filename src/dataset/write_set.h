#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "dataset/annotation.h"
#include "dataset/label_files.h"
#include "dataset/read_set.h"

namespace retinaface::dataset {

/// Writes annotations in a format; RF_CHECKs that it is not kPoints, which has no writer.
///   label, wider, coco   the file `out`, or label.txt, wider_face_bbx_gt.txt or annotations.json
///   in
///                        the folder `out`
///   voc                  out/Annotations/PATH.xml for each image
///   yolo                 out/labels/PATH.txt for each image, whose size must be known, and
///                        out/data.yaml
/// Returns written_place of it. Makes the folders that it needs. Throws Error as the formats'
/// writers do.
std::filesystem::path write_set(const std::filesystem::path& out, SetFormat format,
                                const AnnotationSet& set);

/// What `out` stands for: the file, the folder Annotations, or `out`.
std::filesystem::path written_place(const std::filesystem::path& out, SetFormat format);

/// All files that write_set would write. Throws Error as write_set does of names that the format
/// cannot hold.
std::vector<SetFile> formatted_files(const std::filesystem::path& out, SetFormat format,
                                     const AnnotationSet& set);

/// What of the set the format has no place for, one phrase each, e.g. "the points of 12 faces".
std::vector<std::string> lost_in(SetFormat format, const AnnotationSet& set);

}  // namespace retinaface::dataset
