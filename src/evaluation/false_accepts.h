#pragma once

#include <cstddef>
#include <map>
#include <optional>
#include <vector>

namespace retinaface::evaluation {

/// The similarities of pairs by kind; pairs without one, where a face was not found, count as lower
/// than all.
struct PairScores {
  std::vector<float> same;
  std::vector<float> different;
  std::size_t same_missed = 0;
  std::size_t different_missed = 0;

  std::size_t same_count() const { return same.size() + same_missed; }
  std::size_t different_count() const { return different.size() + different_missed; }
};

/// By the power of ten of a rate of false accepts. None where there are fewer different pairs than
/// one over the rate: none of them might be accepted, which says little of the rate.
struct FarRates {
  std::map<int, std::optional<double>> tar;       ///< share of same pairs that are accepted then
  std::map<int, std::optional<float>> threshold;  ///< lowest similarity that is accepted
};

/// The lowest and the highest power of ten that are told.
inline constexpr int kMinFarPower = -6;
inline constexpr int kMaxFarPower = -1;

/// Sorts the scores by falling similarity; then they take no more memory than they have.
FarRates far_rates(PairScores& scores);

/// Where to draw: shares of different and of same pairs that are accepted.
struct RocPoint {
  double far = 0;
  double tar = 0;
};

/// The receiver operating characteristic at `per_decade` rates in each power of ten from 1e-6, or
/// from the lowest that the pairs resolve, to 1. `scores` are sorted, as far_rates leaves them.
std::vector<RocPoint> log_roc(const PairScores& scores, int per_decade);

}  // namespace retinaface::evaluation
