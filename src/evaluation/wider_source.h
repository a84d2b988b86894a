#pragma once

#include <filesystem>
#include <functional>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "retinaface/detector.h"

#include "evaluation/detection_mode.h"
#include "evaluation/wider_evaluation.h"
#include "evaluation/wider_files.h"

namespace retinaface::evaluation {

// Where detections in WIDER FACE's images come from.

/// The images that have a file, in the ground truth's order.
std::vector<std::size_t> images_of(const WiderFiles& files);

/// IMAGES/EVENT/NAME.jpg. Throws as find_wider_files.
WiderFiles find_wider_images(const WiderGroundTruth& truth, const std::filesystem::path& folder);

/// PREDICTIONS/EVENT/NAME.txt. Throws as find_wider_files.
WiderFiles find_wider_predictions(const WiderGroundTruth& truth,
                                  const std::filesystem::path& folder);

/// The images that have a file in each of the folders; at least one folder. Throws Error(kBadData)
/// where there are none.
std::vector<std::size_t> common_images(std::span<const WiderFiles* const> folders);

/// How many of `images` have no file.
std::size_t count_missing(const WiderFiles& files, const std::vector<std::size_t>& images);

/// Reads what is there; an image without a file has no detections.
DetectionSource from_predictions(WiderFiles predictions);

/// Detects in the files of `images`, which must hold every image asked for.
DetectionSource from_detector(Detector detector, DetectionMode mode, DetectOptions options,
                              WiderFiles images);

using DetectionsByImage = std::map<std::size_t, std::vector<Detection>>;

/// What is found in each of the images that can be read; `report` is told what is wrong with the
/// others, from any thread, one call at a time. `source` is called by `threads` threads at once.
DetectionsByImage detections_of(const DetectionSource& source, std::span<const std::size_t> images,
                                int threads, const Progress& progress,
                                const std::function<void(const std::string& problem)>& report);

/// Matches detections as match_images does.
std::vector<ImageMatches> match_detections(const WiderGroundTruth& truth,
                                           const DetectionsByImage& detections);

}  // namespace retinaface::evaluation
