#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "evaluation/average_precision.h"
#include "evaluation/wider_ground_truth.h"
#include "evaluation/wider_protocol.h"

namespace retinaface::evaluation {

/// What a detector found in one image, matched with the faces that are there.
struct ImageMatches {
  std::size_t image = 0;  ///< index in the ground truth
  std::vector<Match> matches;
};

/// The detections in one image of the ground truth, given by its index.
using DetectionSource = std::function<std::vector<Detection>(std::size_t image)>;
/// Told how many of how many images are done.
using Progress = std::function<void(std::size_t done, std::size_t of)>;

/// Matches the given images and places their scores in the range of all of them. `source` is
/// called by `threads` threads at once. What it throws ends the work and is passed on.
std::vector<ImageMatches> match_images(const WiderGroundTruth& truth,
                                       std::span<const std::size_t> images,
                                       const DetectionSource& source, int threads = 1,
                                       const Progress& progress = {});

/// The IoU at which AP is given, and those over which mAP is the mean.
inline constexpr double kMinOverlap = 0.5;
std::span<const double> map_overlaps();  ///< 0.50, 0.55 ... 0.95

/// Of the faces that count, the share that was found by all detections given.
struct Recall {
  std::int64_t faces = 0;
  std::int64_t found = 0;

  /// In [0, 1]; 0 when there are no faces.
  double value() const {
    return faces > 0 ? static_cast<double>(found) / static_cast<double>(faces) : 0;
  }
};

struct SubsetReport {
  Recall recall;
  double average_precision = 0;  ///< in [0, 1], as all figures here
  Curve curve;
};

struct EventReport {
  std::string name;
  std::size_t images = 0;
  /// By subset; `curve` is left empty.
  std::array<SubsetReport, kSubsets.size()> subsets;

  const SubsetReport& of(Subset subset) const { return subsets[static_cast<std::size_t>(subset)]; }
};

/// Faces of the hard subset from `min_height` (inclusive) to `max_height` pixels; those of other
/// heights do not count, so that their detections are neither right nor false.
struct HeightReport {
  double min_height = 0;
  double max_height = 0;  ///< infinite in the last one
  Recall recall;
  double average_precision = 0;
};

struct WiderReport {
  std::size_t images = 0;      ///< that were judged
  std::size_t all_images = 0;  ///< of the ground truth
  std::array<SubsetReport, kSubsets.size()> subsets;
  double hard_map = 0;              ///< mean of AP over map_overlaps(), hard subset
  std::vector<EventReport> events;  ///< those with images among the judged, in WIDER's order
  std::vector<HeightReport> heights;

  const SubsetReport& of(Subset subset) const { return subsets[static_cast<std::size_t>(subset)]; }
};

/// Judges by WIDER FACE's protocol (doc/evaluation.md). Only the given images' faces count.
WiderReport evaluate_wider(const WiderGroundTruth& truth, std::span<const ImageMatches> results);

}  // namespace retinaface::evaluation
