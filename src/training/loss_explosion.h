#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <deque>
#include <numeric>
#include <string>

#include <fmt/format.h>

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

  /// Takes the loss of one more step. What is wrong with it, also where it is not finite; empty if
  /// nothing is.
  std::string fault_of(double loss) {
    if (!std::isfinite(loss)) return fmt::format("the loss is {}", loss);
    if (last_.empty()) first_ = loss;
    last_.push_back(loss);
    if (last_.size() > kSteps) last_.pop_front();
    const double mean =
        std::accumulate(last_.begin(), last_.end(), 0.0) / static_cast<double>(kSteps);
    if (mean <= limit()) return {};
    return fmt::format(
        "the loss explodes: {:.3g} in the mean of the last steps, {:.3g} in the first", mean,
        first_);
  }

  /// What is wrong with a loss by itself, as that of weights that are to be written; empty if
  /// nothing is.
  std::string fault_alone(double loss) const {
    if (!std::isfinite(loss)) return fmt::format("the loss is {}", loss);
    if (last_.empty() || loss <= limit()) return {};
    return fmt::format("the loss explodes: {:.3g} in the last step, {:.3g} in the first", loss,
                       first_);
  }

 private:
  double limit() const { return kFactor * std::max(first_, 1.0); }

  double first_ = 0;
  std::deque<double> last_;
};

}  // namespace retinaface::training
