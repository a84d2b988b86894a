#pragma once

#include <cstddef>
#include <filesystem>
#include <map>
#include <span>
#include <string_view>

#include "evaluation/wider_ground_truth.h"

namespace retinaface::evaluation {

/// Files of a folder laid out as EVENT/NAME.EXTENSION, by their image's index in the ground
/// truth. A file belongs to an image by its path alone.
struct WiderFiles {
  std::map<std::size_t, std::filesystem::path> by_image;
  std::size_t unknown = 0;  ///< files in event folders that are no image of the ground truth
};

/// Looks for files whose name ends in one of `extensions` (lower case, with the dot; compared
/// without regard to case). Of two files of one image the first by name is taken.
/// Throws Error: kNotFound when `folder` does not exist, kBadData when it has no image of the
/// ground truth.
WiderFiles find_wider_files(const WiderGroundTruth& truth, const std::filesystem::path& folder,
                            std::span<const std::string_view> extensions);

}  // namespace retinaface::evaluation
