#include "video/missing_frames.h"

#include <cmath>

namespace retinaface::video {

void MissingFrames::add(std::int64_t time, double longest_step) {
  const std::int64_t step = time - last_;
  const bool is_first = !has_last_;
  has_last_ = true;
  last_ = time;
  if (is_first) return;
  if (step <= 0 || static_cast<double>(step) > longest_step) {
    steps_ = 0;
    return;
  }
  constexpr double kTolerance = 0.1;  // clocks of 90 kHz and of milliseconds round
  const double periods = static_cast<double>(step) / static_cast<double>(step_ > 0 ? step_ : step);
  const double whole = std::round(periods);
  const bool is_even = std::abs(periods - whole) <= kTolerance * whole && whole >= 1;
  if (steps_ >= kSteps && is_even && whole >= 2) {
    count_ += static_cast<std::int64_t>(whole) - 1;
    return;
  }
  steps_ = is_even && whole == 1 ? steps_ + 1 : 1;
  step_ = step;
}

}  // namespace retinaface::video
