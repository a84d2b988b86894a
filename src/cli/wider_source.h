#pragma once

#include <string>
#include <vector>

#include "cli/evaluate.h"
#include "evaluation/wider_evaluation.h"

namespace retinaface::cli {

// Where the commands that judge on WIDER FACE's pictures take detections from.

/// The pictures that have a file, in the ground truth's order.
std::vector<std::size_t> pictures_of(const evaluation::WiderFiles& files);

/// IMAGES/EVENT/NAME.jpg. Throws as find_wider_files.
evaluation::WiderFiles find_wider_images(const evaluation::WiderGroundTruth& truth,
                                         const std::string& folder);

/// PREDICTIONS/EVENT/NAME.txt. Files that belong to no picture are counted on standard error.
/// Throws as find_wider_files.
evaluation::WiderFiles find_wider_predictions(const evaluation::WiderGroundTruth& truth,
                                              const std::string& folder);

/// Says on standard error how many of `pictures` `folder` has no predictions for.
void report_missing(const std::string& folder, const evaluation::WiderFiles& predictions,
                    const std::vector<std::size_t>& pictures);

/// Reads what is there; a picture without a file has no detections.
evaluation::DetectionSource from_predictions(evaluation::WiderFiles predictions);

/// Detects in the files of `images`, which must hold every picture asked for. `model` as Detector
/// takes it, or empty for the default one, which is loaded now: throws as Detector does.
evaluation::DetectionSource from_model(const std::string& model, const DetectorOptions& options,
                                       evaluation::WiderFiles images);

}  // namespace retinaface::cli
