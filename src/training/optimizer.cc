#include "training/optimizer.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "base/check.h"
#include "runtime/torch/orthogonal.h"

namespace retinaface::training {
namespace {

/// What brings gradients longer than the limit to it.
float shortening(std::span<const float> gradients, float greatest) {
  if (greatest <= 0) return 1;
  double square = 0;
  for (const float gradient : gradients) {
    square += static_cast<double>(gradient) * static_cast<double>(gradient);
  }
  return static_cast<float>(std::min(1.0, static_cast<double>(greatest) / std::sqrt(square)));
}

/// Whether Muon moves it as a matrix.
bool mixes_channels(const runtime::ParameterSlot& slot) {
  constexpr std::int64_t kLeastChannels = 16;
  return slot.shape.size() == 4 && slot.shape[0] >= kLeastChannels &&
         slot.shape[1] >= kLeastChannels;
}

}  // namespace

Optimizer::Optimizer(std::span<const runtime::ParameterSlot> parameters, OptimizerOptions options)
    : parameters_(parameters.begin(), parameters.end()), options_(options) {
  const runtime::ParameterSlot& last = parameters_.back();
  state_.momenta.assign(last.offset + last.size, 0.0F);
  if (options_.method != Method::kSgd) state_.squares = state_.momenta;
}

void Optimizer::restore(State state) {
  RF_CHECK(state.momenta.size() == state_.momenta.size() &&
           state.squares.size() == state_.squares.size());
  state_ = std::move(state);
}

void Optimizer::step(double rate, std::int64_t steps, std::span<const float> gradients,
                     std::span<float> values) {
  RF_CHECK(gradients.size() == state_.momenta.size() && values.size() == state_.momenta.size());
  const float scale = shortening(gradients, options_.greatest_gradient);
  const float beta = options_.momentum;
  const float square_beta = options_.square_decay;
  const auto made = static_cast<double>(steps) + 1;
  const auto mean_correction =
      static_cast<float>(1 / (1 - std::pow(static_cast<double>(beta), made)));
  const auto square_correction =
      static_cast<float>(1 / (1 - std::pow(static_cast<double>(square_beta), made)));
  for (const runtime::ParameterSlot& slot : parameters_) {
    if (!slot.trainable) continue;
    const bool decays = options_.decay_norms_and_biases || !(slot.of_norm || slot.is_bias);
    const float slot_rate =
        static_cast<float>(rate) * (slot.of_offsets ? options_.offsets_rate_factor : 1.0F);
    const float decay = decays ? options_.weight_decay : 0.0F;
    const float* const gradient = gradients.data() + slot.offset;
    float* const value = values.data() + slot.offset;
    float* const momentum = state_.momenta.data() + slot.offset;
    if (options_.method == Method::kSgd) {
      for (std::size_t i = 0; i < slot.size; ++i) {
        momentum[i] = beta * momentum[i] + (scale * gradient[i] + decay * value[i]);
        value[i] -= slot_rate * momentum[i];
      }
      continue;
    }
    if (options_.method == Method::kMuon && mixes_channels(slot)) {
      direction_.resize(slot.size);
      for (std::size_t i = 0; i < slot.size; ++i) {
        const float slope = scale * gradient[i];
        momentum[i] += (1 - beta) * (slope - momentum[i]);
        direction_[i] = beta * momentum[i] + (1 - beta) * slope;
      }
      runtime::orthogonalize(direction_, slot.shape[0]);
      const auto rows = static_cast<float>(slot.shape[0]);
      const float length = 0.2F * std::sqrt(std::max(rows, static_cast<float>(slot.size) / rows));
      for (std::size_t i = 0; i < slot.size; ++i) {
        value[i] -= slot_rate * (length * direction_[i] + decay * value[i]);
      }
      continue;
    }
    float* const square = state_.squares.data() + slot.offset;
    for (std::size_t i = 0; i < slot.size; ++i) {
      const float slope = scale * gradient[i];
      momentum[i] += (1 - beta) * (slope - momentum[i]);
      square[i] += (1 - square_beta) * (slope * slope - square[i]);
      const float size = std::sqrt(square_correction * square[i]) + 1e-8F;
      value[i] -= slot_rate * (mean_correction * momentum[i] / size + decay * value[i]);
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
