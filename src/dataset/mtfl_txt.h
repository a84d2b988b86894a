#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "retinaface/geometry.h"

#include "dataset/text_lines.h"

namespace retinaface::dataset {

/// Where a head is turned to, as seen in the image.
enum class PoseClass { kLeftProfile = 1, kLeft = 2, kFrontal = 3, kRight = 4, kRightProfile = 5 };

/// One image of one face, with the points that somebody set by hand.
struct PosedFace {
  std::string path;  ///< relative to the set's folder of images
  Landmarks landmarks{};
  PoseClass pose = PoseClass::kFrontal;
};

/// Reads the label file of MTFL and of its part of AFLW (Zhang et al., "Facial Landmark Detection
/// by Deep Multi-task Learning", 2014): per line an image's name, five times x y, and the pose, 1
/// to 5. Throws Error as read_file does, or kBadData with file and line.
std::vector<PosedFace> read_mtfl_txt(const std::filesystem::path& path);
std::vector<PosedFace> parse_mtfl_txt(const TextFile& file);

}  // namespace retinaface::dataset
