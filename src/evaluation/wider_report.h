#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>

#include "evaluation/wider_evaluation.h"

namespace retinaface::evaluation {

/// "10 to 16", "300 and more".
std::string height_range(const HeightReport& height);

/// All figures for people: AP, recall by event and by face height, in percent.
std::string format_report(const WiderReport& report);

/// {"images", "easy", "medium", "hard", "map"}, percent; and beside them "images_of" (images of
/// the ground truth), "faces" (by subset, those that count), "events" and "heights".
nlohmann::json to_json(const WiderReport& report);

}  // namespace retinaface::evaluation
