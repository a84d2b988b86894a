#pragma once

#include <algorithm>
#include <cstddef>
#include <deque>
#include <numeric>
#include <optional>

namespace retinaface::training {

/// Tells a training whose loss explodes although its numbers stay finite. The rule: the mean of the
/// last kSteps losses (at the beginning, those that are missing count as 0) is over kFactor times
/// the first loss, or over kFactor where that is below 1. The first loss is of weights that no step
/// has spoilt yet; a batch of other images makes a healthy loss a few times larger, never a hundred
/// times in the mean.
class LossExplosion {
 public:
  static constexpr std::size_t kSteps = 10;
  static constexpr double kFactor = 100;

  /// Takes the loss of one more step, which is finite; returns the mean where it explodes.
  std::optional<double> add(double loss) {
    if (!first_) first_ = loss;
    last_.push_back(loss);
    if (last_.size() > kSteps) last_.pop_front();
    const double mean =
        std::accumulate(last_.begin(), last_.end(), 0.0) / static_cast<double>(kSteps);
    if (mean > limit()) return mean;
    return std::nullopt;
  }

  /// Whether the last loss by itself is within the limit.
  bool is_calm() const { return last_.empty() || last_.back() <= limit(); }

  /// The first loss that was taken.
  double first() const { return *first_; }

 private:
  double limit() const { return kFactor * std::max(*first_, 1.0); }

  std::optional<double> first_;
  std::deque<double> last_;
};

}  // namespace retinaface::training
