#pragma once

#include <filesystem>
#include <nlohmann/json_fwd.hpp>
#include <span>
#include <string>

#include "evaluation/landmark_error.h"

namespace retinaface::evaluation {

/// All figures for people, in percent.
std::string format_report(const LandmarkReport& report);

/// {"faces", "found", "nme_box", "nme_eyes", "failures_box", "failures_eyes", "groups": [the same
/// with "name"]}, percent; failures are the share of the found faces whose error is over 10 %.
nlohmann::json to_json(const LandmarkReport& report);

/// What the paper reports for AFLW and what differs from the set measured here.
std::string aflw_in_the_paper();

/// Draws the share of all faces, found or not, whose error is at most x: by box up to 10 %, as the
/// paper's figure does, and by the eyes' distance up to 30 %. Throws Error as draw_diagrams.
void draw_landmark_curves(const std::filesystem::path& path, const std::string& name,
                          const LandmarkReport& report);

}  // namespace retinaface::evaluation
