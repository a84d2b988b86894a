#pragma once

#include <memory>
#include <span>
#include <vector>

#include "dataset/augmentation.h"
#include "models/catalogue.h"
#include "runtime/trainable_network.h"
#include "training/distillation.h"
#include "training/engine.h"
#include "training/loss.h"
#include "training/process_group.h"
#include "training/recipe.h"

namespace retinaface::training {

/// The recipe's arithmetic, or float32 where the device is a processor without products of
/// bfloat16: it would take many times as long there, and float32 is only more precise.
Arithmetic usable_arithmetic(const Recipe& recipe, const Engine& engine = {});
/// The same, as networks take it.
runtime::Precision usable_precision(const Recipe& recipe, const Engine& engine = {});

/// How a step is computed, which does not change what it computes but for rounding.
struct StepOptions {
  Engine engine = {};
  int threads = 1;  ///< of the step's own work: input, matching, losses
};

/// A network with its loss: from a batch of samples to the gradient of its parameters.
class TrainingStep {
 public:
  /// The weights must be the model's. The loss has the distance from the teacher in it, if there is
  /// one. All but the weights must outlive the step.
  TrainingStep(const Recipe& recipe, const models::Model& model, const graph::Weights& weights,
               ProcessGroup& processes, Teacher* teacher = nullptr, StepOptions options = {});

  /// The loss of the samples, squares of the recipe's side; leaves its gradient in the network. Of
  /// several processes each brings its share of the batch; loss and gradient are of the whole. The
  /// network sees the samples in the recipe's number of parts, one after the other: the same loss
  /// and gradient, but for the statistics of normalisation, which are each part's own.
  LossValues forward_backward(std::span<const dataset::Sample> batch);

  runtime::TrainableNetwork& network() { return *network_; }
  const runtime::TrainableNetwork& network() const { return *network_; }

 private:
  NetworkOutputs collect_outputs();
  /// Replaces each value by its sum over all processes.
  void sum(std::span<double* const> values);
  /// Lets the network begin; where it works on a device of its own, the caller need not wait.
  void begin_forward(std::span<const dataset::Sample> samples);
  /// The loss of what begin_forward() was given, and back.
  LossValues finish_part(std::span<const dataset::Sample> samples,
                         std::span<const ImageTarget> targets, const LossCounts& counts);
  std::vector<ImageTarget> match(std::span<const dataset::Sample> batch) const;

  const Recipe& recipe_;
  const models::Model& model_;
  ProcessGroup& processes_;
  Teacher* teacher_;
  StepOptions options_;
  graph::Graph graph_;
  std::unique_ptr<runtime::TrainableNetwork> network_;
};

}  // namespace retinaface::training
