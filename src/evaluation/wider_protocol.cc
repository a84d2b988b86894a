#include "evaluation/wider_protocol.h"

#include <algorithm>
#include <array>
#include <functional>

#include "base/check.h"

namespace retinaface::evaluation {
namespace {

/// Falling: 1 - t/1000 for t = 1 ... 1000, computed as the official evaluator does, so that a score
/// that lies on a threshold passes it there and here alike.
const std::array<double, kThresholds>& thresholds() {
  static const auto kValues = [] {
    std::array<double, kThresholds> values{};
    for (std::size_t t = 0; t < values.size(); ++t)
      values[t] = 1.0 - static_cast<double>(t + 1) / kThresholds;
    return values;
  }();
  return kValues;
}

}  // namespace

double wider_overlap(const WiderBox& a, const WiderBox& b) {
  const double a_right = a.x + a.width;
  const double a_bottom = a.y + a.height;
  const double b_right = b.x + b.width;
  const double b_bottom = b.y + b.height;
  const double width = std::min(a_right, b_right) - std::max(a.x, b.x) + 1;
  const double height = std::min(a_bottom, b_bottom) - std::max(a.y, b.y) + 1;
  if (!(width > 0) || !(height > 0)) return 0;
  const double shared = width * height;
  // From the corners, not from the widths: what x + width loses to rounding is lost on both sides.
  const double a_area = (a_right - a.x + 1) * (a_bottom - a.y + 1);
  const double b_area = (b_right - b.x + 1) * (b_bottom - b.y + 1);
  return shared / (a_area + b_area - shared);
}

std::vector<Match> match_faces(std::span<const WiderBox> faces,
                               std::span<const Detection> detections) {
  std::vector<Match> matches;
  matches.reserve(detections.size());
  for (const Detection& detection : detections) {
    Match match{.score = detection.score};
    for (std::size_t i = 0; i < faces.size(); ++i) {
      const double overlap = wider_overlap(faces[i], detection.box);
      if (overlap > match.overlap) {
        match.overlap = overlap;
        match.face = static_cast<std::int32_t>(i);
      }
    }
    matches.push_back(match);
  }
  std::ranges::stable_sort(matches, std::greater(), &Match::score);
  return matches;
}

void ScoreRange::include(double score) {
  lowest_ = any_ ? std::min(lowest_, score) : score;
  highest_ = std::max(any_ ? highest_ : 0.0, score);
  any_ = true;
}

double ScoreRange::normalized(double score) const {
  return highest_ > lowest_ ? (score - lowest_) / (highest_ - lowest_) : 1.0;
}

void ScoreRange::place(std::span<Match> matches) const {
  for (Match& match : matches) {
    const double score = normalized(match.score);
    const auto first = std::ranges::lower_bound(thresholds(), score, std::greater());
    RF_CHECK(first != thresholds().end());
    match.threshold = static_cast<std::int32_t>(first - thresholds().begin());
  }
}

std::vector<MatchOutcome> judge(std::span<const Match> matches,
                                std::span<const std::uint8_t> counted, double min_overlap) {
  std::vector<MatchOutcome> verdicts(matches.size(), MatchOutcome::kIgnored);
  if (counted.empty()) return verdicts;
  std::vector<std::uint8_t> found(counted.size());
  for (std::size_t i = 0; i < matches.size(); ++i) {
    const bool hit = matches[i].face >= 0 && matches[i].overlap >= min_overlap;
    const auto face = static_cast<std::size_t>(hit ? matches[i].face : 0);
    if (hit && counted[face] == 0) continue;
    verdicts[i] = hit && found[face] == 0 ? MatchOutcome::kFound : MatchOutcome::kWrong;
    if (hit) found[face] = 1;
  }
  return verdicts;
}

std::vector<Step> steps_of(std::span<const Match> matches, std::span<const std::uint8_t> counted,
                           double min_overlap) {
  std::vector<Step> steps;
  const std::vector<MatchOutcome> verdicts = judge(matches, counted, min_overlap);
  for (std::size_t i = 0; i < matches.size(); ++i) {
    if (verdicts[i] == MatchOutcome::kIgnored) continue;
    if (steps.empty() || steps.back().threshold != matches[i].threshold) {
      steps.push_back({.threshold = matches[i].threshold});
    }
    ++steps.back().detections;
    if (verdicts[i] == MatchOutcome::kFound) ++steps.back().found;
  }
  return steps;
}

}  // namespace retinaface::evaluation
