#pragma once

#include <span>
#include <vector>

#include "runtime/torch/trainable_network.h"

namespace retinaface::training {

struct OptimizerOptions {
  float momentum = 0.9F;
  float weight_decay = 5e-4F;
  bool decay_norms_and_biases = true;
  /// The gradient is scaled down to this length when it is longer; 0 for no limit.
  float greatest_gradient = 0;
  /// The learning rate of the layers that yield offsets of deformable convolutions, by the others'.
  float offsets_rate_factor = 0.1F;
};

/// Stochastic gradient descent with momentum on the parameters that learn, one after the other as a
/// TrainableNetwork has them:
///   d = gradient + weight_decay value,  m = momentum m + d,  value = value - rate m
class Optimizer {
 public:
  Optimizer(std::span<const runtime::ParameterSlot> parameters, OptimizerOptions options);

  void step(double rate, std::span<const float> gradients, std::span<float> values);

  /// The momenta, all 0 at first: what a checkpoint has to keep.
  std::span<float> state() { return momenta_; }
  std::span<const float> state() const { return momenta_; }

 private:
  std::vector<runtime::ParameterSlot> parameters_;
  OptimizerOptions options_;
  std::vector<float> momenta_;
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
