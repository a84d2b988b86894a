#pragma once

#include <filesystem>
#include <nlohmann/json_fwd.hpp>
#include <span>
#include <string>

#include "evaluation/pair_verification.h"
#include "evaluation/plot.h"
#include "evaluation/template_verification.h"

namespace retinaface::evaluation {

// Reports are a JSON object whose "detectors" are a list of {"name", "missed", "missed_pairs",
// "tar_at_far": {"1e-1" ... "1e-6"}, percent, "threshold_at_far": the same rates, and what the kind
// of evaluation adds} (doc/verification.md).

/// Adds "accuracy", "accuracy_error", percent, and "difference" of all but the first, and
/// "moved_points": the same of the first detector, with "moved", percent, by kMovedShares.
nlohmann::json to_json(std::span<const PairJudgement> judgements,
                       std::span<const PairJudgement> moved_points);

/// Adds "missed_templates" and "pairs".
nlohmann::json to_json(std::span<const TemplateJudgement> judgements);

/// The threshold that such a report's first detector has for the rate of false accepts, "1e-3".
/// Throws Error: kBadData where the file is no report or knows no such rate, kUnsupported where its
/// different pairs were too few for that rate.
float read_threshold(const std::filesystem::path& report, const std::string& rate);

/// For people: a table in percent, and how the first detector compares with each of the others.
std::string format_pairs(std::span<const PairJudgement> judgements);
std::string format_differences(std::span<const PairJudgement> judgements);

/// The head of a table, and a line of it, percent.
std::string format_template_head();
std::string format_templates(const TemplateJudgement& judgement);

/// True accepts over false accepts, up to 10 % of these.
Diagram pairs_diagram(const PairList& pairs, std::span<const PairJudgement> judgements);
/// How wrong decisions grow as the first detector's points move, by kMovedShares.
Diagram moved_points_diagram(const PairJudgement& unmoved,
                             std::span<const PairJudgement> moved_points);
/// True accepts over the powers of ten of false accepts.
Diagram templates_diagram(std::span<const TemplateJudgement> judgements);

}  // namespace retinaface::evaluation
