#include "training/optimizer.h"

#include <algorithm>
#include <cmath>

#include "base/check.h"

namespace retinaface::training {

Optimizer::Optimizer(std::span<const runtime::ParameterSlot> parameters, OptimizerOptions options)
    : parameters_(parameters.begin(), parameters.end()), options_(options) {
  const runtime::ParameterSlot& last = parameters_.back();
  momenta_.assign(last.offset + last.size, 0.0F);
}

void Optimizer::step(double rate, std::span<const float> gradients, std::span<float> values) {
  RF_CHECK(gradients.size() == momenta_.size() && values.size() == momenta_.size());
  float scale = 1;
  if (options_.greatest_gradient > 0) {
    double square = 0;
    for (const float gradient : gradients) {
      square += static_cast<double>(gradient) * static_cast<double>(gradient);
    }
    const double length = std::sqrt(square);
    const auto limit = static_cast<double>(options_.greatest_gradient);
    if (length > limit) scale = static_cast<float>(limit / length);
  }
  for (const runtime::ParameterSlot& slot : parameters_) {
    if (!slot.trainable) continue;
    const bool decays = options_.decay_norms_and_biases || !(slot.of_norm || slot.is_bias);
    const float slot_rate =
        static_cast<float>(rate) * (slot.of_offsets ? options_.offsets_rate_factor : 1.0F);
    const float decay = decays ? options_.weight_decay : 0.0F;
    const float* const gradient = gradients.data() + slot.offset;
    float* const value = values.data() + slot.offset;
    float* const momentum = momenta_.data() + slot.offset;
    for (std::size_t i = 0; i < slot.size; ++i) {
      momentum[i] = options_.momentum * momentum[i] + (scale * gradient[i] + decay * value[i]);
      value[i] -= slot_rate * momentum[i];
    }
  }
}

void MovingAverage::add(std::span<const float> values, std::int64_t steps) {
  const auto made = static_cast<float>(steps);
  const float blend = 1 - std::min(decay_, (1 + made) / (10 + made));
  for (std::size_t i = 0; i < average_.size(); ++i) {
    average_[i] += blend * (values[i] - average_[i]);
  }
}

}  // namespace retinaface::training
