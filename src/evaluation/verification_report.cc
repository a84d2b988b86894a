#include "evaluation/verification_report.h"

#include <algorithm>
#include <cmath>
#include <iterator>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <vector>

#include <fmt/format.h>

#include "base/check.h"
#include "base/file.h"
#include "base/text.h"

namespace retinaface::evaluation {
namespace {

using nlohmann::json;

constexpr const char* kDetectors = "detectors";
constexpr const char* kThresholdAtFar = "threshold_at_far";

double percent(double share) {
  return 100 * share;
}

/// "1e-3" of -3.
std::string rate_name(int power) {
  return fmt::format("1e{}", power);
}

/// A true accept rate for people; "-" for one that so few pairs cannot tell.
std::string rate_text(const std::optional<double>& tar) {
  return tar ? fmt::format("{:.2f}", percent(*tar)) : "-";
}

/// Adds true accept rates and thresholds by the power of ten of their false accept rate.
void add_rates(const std::map<int, std::optional<double>>& tar_at_far,
               const std::map<int, std::optional<float>>& threshold_at_far, json& object) {
  for (const auto& [power, tar] : tar_at_far) {
    object["tar_at_far"][rate_name(power)] = tar ? json(percent(*tar)) : json();
    const auto& threshold = threshold_at_far.at(power);
    object[kThresholdAtFar][rate_name(power)] = threshold ? json(*threshold) : json();
  }
}

json to_json(const PairJudgement& judgement) {
  json object = {{"name", judgement.name},
                 {"accuracy", percent(judgement.result.accuracy)},
                 {"accuracy_error", percent(judgement.result.accuracy_error)},
                 {"missed", judgement.missed},
                 {"missed_pairs", judgement.result.missed_pairs}};
  add_rates(judgement.result.tar_at_far, judgement.result.threshold_at_far, object);
  if (judgement.to_first) {
    object["difference"] = {{"mean", percent(judgement.to_first->mean)},
                            {"low", percent(judgement.to_first->low)},
                            {"high", percent(judgement.to_first->high)}};
  }
  return object;
}

}  // namespace

json to_json(std::span<const PairJudgement> judgements,
             std::span<const PairJudgement> moved_points) {
  json report;
  for (const PairJudgement& judgement : judgements) {
    report[kDetectors].push_back(to_json(judgement));
  }
  for (std::size_t i = 0; i < moved_points.size(); ++i) {
    json& object = report["moved_points"].emplace_back(to_json(moved_points[i]));
    object["moved"] = percent(kMovedShares.at(i));
  }
  return report;
}

json to_json(std::span<const TemplateJudgement> judgements) {
  json report;
  for (const TemplateJudgement& judgement : judgements) {
    json& object = report[kDetectors].emplace_back();
    object = {{"name", judgement.name},
              {"missed", judgement.missed_faces},
              {"missed_templates", judgement.missed_templates},
              {"missed_pairs", judgement.missed_pairs},
              {"pairs", judgement.pairs}};
    add_rates(judgement.rates.tar, judgement.rates.threshold, object);
  }
  return report;
}

float read_threshold(const std::filesystem::path& report, const std::string& rate) {
  const std::vector<std::byte> content = read_named_file(report);
  const json object = json::parse(text_of(content), nullptr, false);
  const std::string name = printable(report);
  try {
    const json& threshold = object.at(kDetectors).at(0).at(kThresholdAtFar).at(rate);
    if (threshold.is_null()) {
      fail(ErrorCode::kUnsupported,
           "{}: its different pairs are too few to tell a threshold for the rate {}", name, rate);
    }
    return threshold.get<float>();
  } catch (const json::exception&) {
    fail(ErrorCode::kBadData,
         "{}: expected what `retinaface evaluate verification --json` writes, with the rate {}",
         name, rate);
  }
}

std::string format_pairs(std::span<const PairJudgement> judgements) {
  std::string text = fmt::format("{:<24} {:>15} {:>10} {:>10} {:>10}  {}\n", "detector",
                                 "accuracy %", "TAR@1e-1", "TAR@1e-2", "TAR@1e-3", "missed images");
  for (const PairJudgement& judgement : judgements) {
    const auto rate = [&](int power) { return rate_text(judgement.result.tar_at_far.at(power)); };
    text +=
        fmt::format("{:<24} {:>7.2f} +- {:<4.2f} {:>10} {:>10} {:>10}  {}\n", judgement.name,
                    percent(judgement.result.accuracy), percent(judgement.result.accuracy_error),
                    rate(-1), rate(-2), rate(-3), judgement.missed);
  }
  return text;
}

std::string format_differences(std::span<const PairJudgement> judgements) {
  std::string text;
  for (const PairJudgement& judgement : judgements) {
    if (!judgement.to_first) continue;
    text += fmt::format(
        "\n{} against {}: {:+.2f} points of accuracy, 95 % of resampled pairs between {:+.2f} "
        "and {:+.2f}\n",
        judgement.name, judgements.front().name, percent(judgement.to_first->mean),
        percent(judgement.to_first->low), percent(judgement.to_first->high));
  }
  return text;
}

std::string format_template_head() {
  std::string text = fmt::format("{:<24}", "detector");
  for (int power = kMaxFarPower; power >= kMinFarPower; --power) {
    text += fmt::format(" {:>8}", "TAR@" + rate_name(power));
  }
  return text + "  missed faces\n";
}

std::string format_templates(const TemplateJudgement& judgement) {
  std::string text = fmt::format("{:<24}", judgement.name);
  for (int power = kMaxFarPower; power >= kMinFarPower; --power) {
    text += fmt::format(" {:>8}", rate_text(judgement.rates.tar.at(power)));
  }
  return text + fmt::format("  {}\n", judgement.missed_faces);
}

Diagram pairs_diagram(const PairList& pairs, std::span<const PairJudgement> judgements) {
  Diagram diagram = {.title = "Verification",
                     .x_label = "false accept rate",
                     .y_label = "true accept rate",
                     .lines = {}};
  diagram.x_max = 0.1;
  for (const PairJudgement& judgement : judgements) {
    Line& line = diagram.lines.emplace_back();
    line.label = fmt::format("{} ({:.2f} %)", judgement.name, percent(judgement.result.accuracy));
    line.color = static_cast<int>(diagram.lines.size()) - 1;
    for (const RocPoint& point : roc(pairs, judgement.similarities)) {
      line.x.push_back(point.far);
      line.y.push_back(point.tar);
    }
  }
  return diagram;
}

Diagram moved_points_diagram(const PairJudgement& unmoved,
                             std::span<const PairJudgement> moved_points) {
  Diagram diagram = {.title = "Moved points",
                     .x_label = "moved by, % of the distance between the eyes",
                     .y_label = "wrong decisions, % of the pairs",
                     .lines = {}};
  Line& line = diagram.lines.emplace_back();
  line.label = unmoved.name;
  const auto add = [&](double share, const PairJudgement& judgement) {
    line.x.push_back(percent(share));
    line.y.push_back(100 - percent(judgement.result.accuracy));
  };
  add(0, unmoved);
  for (std::size_t i = 0; i < moved_points.size(); ++i) add(kMovedShares.at(i), moved_points[i]);
  diagram.x_max = 1.1 * line.x.back();
  diagram.y_max = std::max(0.1, 1.2 * std::ranges::max(line.y));
  return diagram;
}

Diagram templates_diagram(std::span<const TemplateJudgement> judgements) {
  Diagram diagram = {.title = "Verification of templates",
                     .x_label = "-log10 of the false accept rate",
                     .y_label = "true accept rate",
                     .lines = {}};
  diagram.x_max = -kMinFarPower;
  for (const TemplateJudgement& judgement : judgements) {
    Line& line = diagram.lines.emplace_back();
    line.label = judgement.name;
    line.color = static_cast<int>(diagram.lines.size()) - 1;
    for (const RocPoint& point : judgement.curve) {
      line.x.push_back(-std::log10(point.far));
      line.y.push_back(point.tar);
    }
  }
  return diagram;
}

}  // namespace retinaface::evaluation
