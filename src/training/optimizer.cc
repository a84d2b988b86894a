#include "training/optimizer.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "base/check.h"
#include "training/orthogonal.h"

namespace retinaface::training {
namespace {

/// What brings gradients longer than the limit to it.
float shortening(std::span<const float> gradients, float largest) {
  if (largest <= 0) return 1;
  double square = 0;
  for (const float gradient : gradients) {
    square += static_cast<double>(gradient) * static_cast<double>(gradient);
  }
  return static_cast<float>(std::min(1.0, static_cast<double>(largest) / std::sqrt(square)));
}

/// One parameter in one step.
struct Move {
  float rate;
  float decay;
  float beta;   ///< of the momentum
  float scale;  ///< of the gradient
  std::span<const float> gradient;
  std::span<float> value;
  std::span<float> momentum;

  float slope(std::size_t i) const { return scale * gradient[i]; }
};

void move_by_sgd(const Move& move) {
  for (std::size_t i = 0; i < move.value.size(); ++i) {
    float& momentum = move.momentum[i];
    momentum = move.beta * momentum + (move.slope(i) + move.decay * move.value[i]);
    move.value[i] -= move.rate * momentum;
  }
}

/// `steps` counts those made before this one.
void move_by_adamw(const Move& move, float square_beta, std::int64_t steps,
                   std::span<float> squares) {
  const auto correction = [&](float beta) {
    const double left = std::pow(static_cast<double>(beta), static_cast<double>(steps) + 1);
    return static_cast<float>(1 / (1 - left));
  };
  const float mean_correction = correction(move.beta);
  const float square_correction = correction(square_beta);
  for (std::size_t i = 0; i < move.value.size(); ++i) {
    float& momentum = move.momentum[i];
    float& square = squares[i];
    const float slope = move.slope(i);
    momentum += (1 - move.beta) * (slope - momentum);
    square += (1 - square_beta) * (slope * slope - square);
    const float size = std::sqrt(square_correction * square) + 1e-8F;
    move.value[i] -= move.rate * (mean_correction * momentum / size + move.decay * move.value[i]);
  }
}

/// Whether Muon moves it as a matrix.
bool mixes_channels(const runtime::ParameterSlot& slot) {
  constexpr std::int64_t kMinChannels = 16;
  return slot.shape.size() == 4 && slot.shape[0] >= kMinChannels && slot.shape[1] >= kMinChannels;
}

/// The value is a matrix of `rows` rows. `direction` is room for as much.
void move_by_muon(const Move& move, std::int64_t rows, std::vector<float>& direction) {
  const std::size_t size = move.value.size();
  direction.resize(size);
  for (std::size_t i = 0; i < size; ++i) {
    float& momentum = move.momentum[i];
    momentum += (1 - move.beta) * (move.slope(i) - momentum);
    direction[i] = move.beta * momentum + (1 - move.beta) * move.slope(i);
  }
  orthogonalize(direction, rows);
  const auto longer_side = std::max(rows, static_cast<std::int64_t>(size) / rows);
  const float length = 0.2F * std::sqrt(static_cast<float>(longer_side));
  for (std::size_t i = 0; i < size; ++i) {
    move.value[i] -= move.rate * (length * direction[i] + move.decay * move.value[i]);
  }
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
  const float scale = shortening(gradients, options_.max_gradient);
  for (const runtime::ParameterSlot& slot : parameters_) {
    if (!slot.trainable) continue;
    const bool decays = options_.decay_norms_and_biases || !(slot.of_norm || slot.is_bias);
    const float factor = slot.of_offsets ? options_.offsets_rate_factor : 1.0F;
    const Move move = {.rate = static_cast<float>(rate) * factor,
                       .decay = decays ? options_.weight_decay : 0.0F,
                       .beta = options_.momentum,
                       .scale = scale,
                       .gradient = gradients.subspan(slot.offset, slot.size),
                       .value = values.subspan(slot.offset, slot.size),
                       .momentum = std::span(state_.momenta).subspan(slot.offset, slot.size)};
    if (options_.method == Method::kSgd) {
      move_by_sgd(move);
    } else if (options_.method == Method::kMuon && mixes_channels(slot)) {
      move_by_muon(move, slot.shape[0], direction_);
    } else {
      move_by_adamw(move, options_.square_decay, steps,
                    std::span(state_.squares).subspan(slot.offset, slot.size));
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
