#pragma once

#include <string>
#include <vector>

#include "cli/evaluate.h"
#include "evaluation/wider_evaluation.h"

namespace retinaface::cli {

// Where the commands that judge on WIDER FACE's images take detections from.

/// The images that have a file, in the ground truth's order.
std::vector<std::size_t> images_of(const evaluation::WiderFiles& files);

/// IMAGES/EVENT/NAME.jpg. Throws as find_wider_files.
evaluation::WiderFiles find_wider_images(const evaluation::WiderGroundTruth& truth,
                                         const std::string& folder);

/// PREDICTIONS/EVENT/NAME.txt. Files that belong to no image are counted on standard error.
/// Throws as find_wider_files.
evaluation::WiderFiles find_wider_predictions(const evaluation::WiderGroundTruth& truth,
                                              const std::string& folder);

/// Says on standard error how many of `images` `folder` has no predictions for.
void report_missing(const std::string& folder, const evaluation::WiderFiles& predictions,
                    const std::vector<std::size_t>& images);

/// Reads what is there; an image without a file has no detections.
evaluation::DetectionSource from_predictions(evaluation::WiderFiles predictions);

/// Detects in the files of `images`, which must hold every image asked for.
evaluation::DetectionSource from_detector(Detector detector, const DetectionOptions& options,
                                          evaluation::WiderFiles images);

}  // namespace retinaface::cli
