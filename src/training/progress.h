#pragma once

#include <cstdint>
#include <optional>

#include "evaluation/metrics.h"
#include "training/loss.h"

namespace retinaface::training {

using evaluation::Metrics;

/// How far a run is, after each step.
struct TrainingProgress {
  std::int64_t step = 0;   ///< done
  std::int64_t steps = 0;  ///< of the whole schedule, or those asked for
  std::int64_t epoch = 0;  ///< counted from 1
  std::int64_t epochs = 0;
  LossValues loss;
  double learning_rate = 0;
  double images_per_second = 0;  ///< a moving mean
  double seconds_left = 0;
  double waiting_share = 0;           ///< of the time so far that was spent waiting for data
  std::optional<Metrics> validation;  ///< when this step ended with one
};

}  // namespace retinaface::training
