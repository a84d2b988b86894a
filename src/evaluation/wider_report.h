#pragma once

#include <nlohmann/json_fwd.hpp>
#include <span>
#include <string>
#include <string_view>

#include "evaluation/wider_evaluation.h"

namespace retinaface::evaluation {

/// "10 to 16", "300 and more".
std::string height_range(const HeightReport& height);

/// A table of those heights that have faces, in percent, and the same as a list of JSON objects
/// {"from", "to", "faces", "recall", "ap"}, the last without "to".
std::string format_heights(std::span<const HeightReport> heights, std::string_view title);
nlohmann::json to_json(std::span<const HeightReport> heights);

/// All figures for people: AP, recall by event and by face height, in percent.
std::string format_report(const WiderReport& report);

/// {"images", "easy", "medium", "hard", "map"}, percent; and beside them "images_of" (images of
/// the ground truth), "faces" (by subset, those that count), "events" and "heights".
nlohmann::json to_json(const WiderReport& report);

}  // namespace retinaface::evaluation
