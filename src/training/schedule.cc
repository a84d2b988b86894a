#include "training/schedule.h"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace retinaface::training {

double learning_rate(const ScheduleOptions& options, std::int64_t step,
                     std::int64_t steps_per_epoch) {
  const double epoch = static_cast<double>(step) / static_cast<double>(steps_per_epoch);
  const auto full = static_cast<double>(options.learning_rate);
  const auto warmup = static_cast<double>(options.warmup_epochs);
  if (epoch < warmup) {
    const auto start = static_cast<double>(options.warmup_factor);
    return full * (start + (1 - start) * epoch / warmup);
  }
  if (options.decay == Decay::kCosine) {
    const double span = std::max(static_cast<double>(options.epochs) - warmup, 1e-9);
    const double part = std::min((epoch - warmup) / span, 1.0);
    const auto end = static_cast<double>(options.final_factor);
    return full * (end + (1 - end) * (1 + std::cos(std::numbers::pi * part)) / 2);
  }
  const auto passed = std::ranges::count_if(
      options.milestones, [&](int milestone) { return epoch >= static_cast<double>(milestone); });
  return full * std::pow(static_cast<double>(options.step_factor), static_cast<double>(passed));
}

}  // namespace retinaface::training
