#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "dataset/annotation.h"

namespace retinaface::dataset {

/// A file of annotations, and what it holds.
struct SetFile {
  std::filesystem::path path;
  std::string content;
};

/// Writes files and the folders that they need. Throws Error(kUnwritable).
void write_files(const std::vector<SetFile>& files);

/// FOLDER/PATH of each image, its extension exchanged for `extension` (".xml"): where the formats
/// that have one file an image put them. Throws Error: kBadData for paths that leave the folder or
/// share a file; kUnsupported as check_written_path.
std::vector<std::filesystem::path> label_files(const std::filesystem::path& folder,
                                               const std::string& extension,
                                               const AnnotationSet& set);

}  // namespace retinaface::dataset
