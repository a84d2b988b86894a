#pragma once

#include <filesystem>
#include <nlohmann/json_fwd.hpp>
#include <span>
#include <string>

#include "evaluation/comparison.h"
#include "evaluation/image_errors.h"

namespace retinaface::evaluation {

/// All figures for people, detectors beside each other, in percent.
std::string format_comparison(const Comparison& comparison);

/// {"images", "images_of", "samples", "seed", "detectors": [{"name", "report": as to_json(
/// WiderReport), "intervals": {"easy": [low, high] ...}, "differences": {"easy": {"value",
/// "interval"} ...}}]}, percent; differences are to the first detector.
nlohmann::json to_json(const Comparison& comparison);

/// An image in which the detectors differ, drawn.
struct DrawnDisagreement {
  std::string title;            ///< "EVENT/NAME"
  std::filesystem::path image;  ///< beside the page
  Disagreement disagreement;
};

/// A page in HTML of the images in which the detectors differ, with what each makes of them;
/// `min_scores` by detector.
std::string format_page(const Comparison& comparison, std::span<const double> min_scores,
                        std::span<const DrawnDisagreement> images);

}  // namespace retinaface::evaluation
