#pragma once

#include <memory>
#include <span>
#include <vector>

#include "dataset/augmentation.h"
#include "models/catalogue.h"
#include "runtime/torch/trainable_network.h"
#include "training/distillation.h"
#include "training/loss.h"
#include "training/process_group.h"
#include "training/recipe.h"

namespace retinaface::training {

/// The recipe's arithmetic, or float32 where the processor has no products of bfloat16: it would
/// take many times as long there, and float32 is only more precise.
Arithmetic usable_arithmetic(const Recipe& recipe);

/// How a step is computed, which does not change what it computes.
struct StepOptions {
  int threads = 1;  ///< of the step's own work: input, matching, losses
};

/// A network with its loss: from a batch of samples to the gradient of its parameters.
class TrainingStep {
 public:
  /// The weights must be the model's. The loss has the distance from the teacher in it, if there is
  /// one. All but the weights must outlive the step.
  TrainingStep(const Recipe& recipe, const models::Model& model, const graph::Weights& weights,
               ProcessGroup& processes, Teacher* teacher = nullptr,
               StepOptions options = {});

  /// The loss of the samples, squares of the recipe's side; leaves its gradient in the network. Of
  /// several processes each brings its share of the batch; loss and gradient are of the whole. The
  /// network sees the samples in the recipe's number of parts, one after the other: the same loss
  /// and gradient, but for the statistics of normalisation, which are each part's own.
  LossValues forward_backward(std::span<const dataset::Sample> batch);

  runtime::TrainableNetwork& network() { return network_; }
  const runtime::TrainableNetwork& network() const { return network_; }

 private:
  NetworkOutputs collect_outputs();
  /// Replaces each value by its sum over all processes.
  void sum(std::span<double* const> values);
  void fill_input(std::span<const dataset::Sample> samples);
  LossValues forward_backward_part(std::span<const dataset::Sample> samples,
                                   std::span<const ImageTarget> targets, const LossCounts& counts);

  const Recipe& recipe_;
  const models::Model& model_;
  ProcessGroup& processes_;
  Teacher* teacher_;
  StepOptions options_;
  graph::Graph graph_;
  runtime::TrainableNetwork network_;
  std::vector<float> input_;
  std::vector<std::vector<float>> gradients_;  ///< by output of the graph
};

}  // namespace retinaface::training
