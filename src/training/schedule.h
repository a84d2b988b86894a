#pragma once

#include <cstdint>
#include <vector>

namespace retinaface::training {

enum class Decay { kSteps, kCosine };

struct ScheduleOptions {
  float learning_rate = 0.01F;
  int epochs = 80;
  float warmup_epochs = 0;
  float warmup_factor = 0.1F;  ///< of the learning rate, where the warm-up starts
  Decay decay = Decay::kSteps;
  std::vector<int> milestones = {};  ///< epochs at which the rate is multiplied by step_factor
  float step_factor = 0.1F;
  float final_factor = 0;  ///< of the learning rate, where the cosine ends
};

/// Learning rate of a step, counted from 0, of a run of epochs x steps_per_epoch. During the
/// warm-up it rises linearly; behind it, it falls at the milestones, or along half a cosine
/// (Loshchilov and Hutter 2017) that ends with the run.
double learning_rate(const ScheduleOptions& options, std::int64_t step,
                     std::int64_t steps_per_epoch);

}  // namespace retinaface::training
