#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "evaluation/wider_protocol.h"

namespace retinaface::evaluation {

/// WIDER FACE's validation subsets; each holds the one before it.
enum class Subset { kEasy, kMedium, kHard };
inline constexpr std::array kSubsets = {Subset::kEasy, Subset::kMedium, Subset::kHard};

/// "easy", "medium" or "hard".
const char* name_of(Subset subset);

/// One image's annotated faces.
struct WiderImage {
  std::size_t event = 0;  ///< index of its event
  std::string name;       ///< its file's name without extension
  std::vector<WiderBox> faces;
  /// By subset, one flag per face: 1 where it counts, 0 where it is to be ignored.
  std::array<std::vector<std::uint8_t>, kSubsets.size()> counted;

  const std::vector<std::uint8_t>& counted_in(Subset subset) const {
    return counted[static_cast<std::size_t>(subset)];
  }
  /// How many faces count.
  std::int64_t faces_in(Subset subset) const {
    return std::ranges::count(counted_in(subset), std::uint8_t{1});
  }
};

struct WiderGroundTruth {
  std::vector<std::string> events;  ///< names of the folders, such as "0--Parade"
  std::vector<WiderImage> images;

  /// "EVENT/NAME"
  std::string path_of(const WiderImage& image) const {
    return events[image.event] + "/" + image.name;
  }
};

/// Reads WIDER's own files in `folder`: wider_face_val.mat (face_bbx_list, event_list, file_list)
/// and wider_easy_val.mat, wider_medium_val.mat, wider_hard_val.mat (gt_list: which faces count,
/// numbered from 1).
/// Throws Error as MatFile does, and kBadData where the lists do not fit each other.
WiderGroundTruth read_wider_ground_truth(const std::filesystem::path& folder);

}  // namespace retinaface::evaluation
