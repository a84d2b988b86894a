#pragma once

#include <span>
#include <vector>

#include "runtime/trainable_network.h"

namespace retinaface::training {

enum class Method { kSgd, kAdamW, kMuon };

struct OptimizerOptions {
  Method method = Method::kSgd;
  float momentum = 0.9F;        ///< beta 1 of AdamW; Muon's is 0.95 usually
  float square_decay = 0.999F;  ///< beta 2 of AdamW
  float weight_decay = 5e-4F;
  bool decay_norms_and_biases = true;
  /// The gradient is scaled down to this length when it is longer; 0 for no limit.
  float max_gradient = 0;
  /// The learning rate of the layers that yield offsets of deformable convolutions, by the others'.
  float offsets_rate_factor = 0.1F;
};

/// Moves the parameters that learn, one after the other as a TrainableNetwork has them, by a
/// method:
///   kSgd    stochastic gradient descent with momentum
///           d = gradient + weight_decay value,  m = momentum m + d,  value -= rate m
///   kAdamW  by the gradient's recent size (Kingma and Ba 2015), with weight decay apart from it
///           (Loshchilov and Hutter 2019)
///           m = momentum m + (1 - momentum) gradient,  m' = m / (1 - momentum^t) in step t
///           s = square_decay s + (1 - square_decay) gradient^2,  s' = s / (1 - square_decay^t)
///           value -= rate (m' / (sqrt(s') + 1e-8) + weight_decay value)
///   kMuon   AdamW, but the weights of convolutions that mix 16 channels and more move by as much
///           in all directions (Jordan et al. 2024), as far as AdamW's would (Liu et al. 2025)
///           m = momentum m + (1 - momentum) gradient,  n = momentum m + (1 - momentum) gradient
///           value -= rate (0.2 sqrt(longer side) orthogonal(n) + weight_decay value)
///           with the weights as a matrix of a row for each output
class Optimizer {
 public:
  /// What a checkpoint has to keep, all 0 at first.
  struct State {
    std::vector<float> momenta;
    std::vector<float> squares;  ///< empty with kSgd
  };

  Optimizer(std::span<const runtime::ParameterSlot> parameters, OptimizerOptions options);

  /// `steps` counts those made before this one.
  void step(double rate, std::int64_t steps, std::span<const float> gradients,
            std::span<float> values);

  const State& state() const { return state_; }
  /// Its sizes have to be those of state().
  void restore(State state);

 private:
  std::vector<runtime::ParameterSlot> parameters_;
  OptimizerOptions options_;
  State state_;
  std::vector<float> direction_;  ///< of the matrix that Muon is at
};

/// Moving average of the values, running statistics included: average += (1 - d) (value - average)
/// with d = min(decay, (1 + steps) / (10 + steps)), so that the start is forgotten soon.
class MovingAverage {
 public:
  MovingAverage(std::span<const float> values, float decay)
      : decay_(decay), average_(values.begin(), values.end()) {}

  /// `steps` counts those made before this one.
  void add(std::span<const float> values, std::int64_t steps);

  std::span<float> values() { return average_; }
  std::span<const float> values() const { return average_; }

 private:
  float decay_;
  std::vector<float> average_;
};

}  // namespace retinaface::training
