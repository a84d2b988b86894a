#pragma once

#include <filesystem>
#include <vector>

#include "retinaface/detector.h"

#include "evaluation/detection_mode.h"
#include "evaluation/wider_evaluation.h"

namespace retinaface::evaluation {

// Where detections in WIDER FACE's images come from.

/// The images that have a file, in the ground truth's order.
std::vector<std::size_t> images_of(const WiderFiles& files);

/// IMAGES/EVENT/NAME.jpg. Throws as find_wider_files.
WiderFiles find_wider_images(const WiderGroundTruth& truth, const std::filesystem::path& folder);

/// PREDICTIONS/EVENT/NAME.txt. Throws as find_wider_files.
WiderFiles find_wider_predictions(const WiderGroundTruth& truth,
                                  const std::filesystem::path& folder);

/// How many of `images` have no file.
std::size_t count_missing(const WiderFiles& files, const std::vector<std::size_t>& images);

/// Reads what is there; an image without a file has no detections.
DetectionSource from_predictions(WiderFiles predictions);

/// Detects in the files of `images`, which must hold every image asked for.
DetectionSource from_detector(Detector detector, DetectionMode mode, DetectOptions options,
                              WiderFiles images);

}  // namespace retinaface::evaluation
