#include "evaluation/false_accepts.h"

#include <algorithm>
#include <cmath>
#include <functional>

namespace retinaface::evaluation {
namespace {

/// How many of falling similarities are over `limit`.
std::size_t count_over(const std::vector<float>& falling, std::optional<float> limit) {
  if (!limit) return falling.size();
  return static_cast<std::size_t>(
      std::ranges::lower_bound(falling, *limit, std::ranges::greater()) - falling.begin());
}

/// What must be surpassed so that at most `allowed` different pairs are accepted; nothing where all
/// that have a similarity may be.
std::optional<float> limit_of(const PairScores& scores, double allowed) {
  if (!(allowed < static_cast<double>(scores.different.size()))) return std::nullopt;
  return scores.different[static_cast<std::size_t>(allowed)];
}

}  // namespace

FarRates far_rates(PairScores& scores) {
  std::ranges::sort(scores.same, std::ranges::greater());
  std::ranges::sort(scores.different, std::ranges::greater());
  FarRates rates;
  for (int power = kMaxFarPower; power >= kMinFarPower; --power) {
    auto& tar = rates.tar[power];
    auto& threshold = rates.threshold[power];
    const double allowed =
        std::pow(10.0, power) * static_cast<double>(scores.different_count()) + 1e-9;
    if (allowed < 1 || scores.same_count() == 0) continue;
    const std::optional<float> limit = limit_of(scores, allowed);
    const std::size_t accepted = count_over(scores.same, limit);
    const std::size_t wrong = count_over(scores.different, limit);
    tar = static_cast<double>(accepted) / static_cast<double>(scores.same_count());
    if (accepted > 0) threshold = scores.same[accepted - 1];
    if (wrong > 0) {
      const float lowest = scores.different[wrong - 1];
      threshold = threshold ? std::min(*threshold, lowest) : lowest;
    }
  }
  return rates;
}

std::vector<RocPoint> log_roc(const PairScores& scores, int per_decade) {
  std::vector<RocPoint> points;
  const auto different = static_cast<double>(scores.different_count());
  if (scores.same_count() == 0 || scores.different_count() == 0) return points;
  for (int step = kMinFarPower * per_decade; step <= 0; ++step) {
    const double far = std::pow(10.0, static_cast<double>(step) / per_decade);
    const double allowed = far * different + 1e-9;
    if (allowed < 1) continue;
    points.push_back({far, static_cast<double>(count_over(scores.same, limit_of(scores, allowed))) /
                               static_cast<double>(scores.same_count())});
  }
  return points;
}

}  // namespace retinaface::evaluation
