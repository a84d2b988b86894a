#pragma once

#include <memory>
#include <span>
#include <string>
#include <vector>

#include "dataset/augmentation.h"
#include "models/catalogue.h"
#include "runtime/trainable_network.h"
#include "training/distillation.h"
#include "training/engine.h"
#include "training/joint_mesh.h"
#include "training/loss.h"
#include "training/process_group.h"
#include "training/recipe.h"
#include "training/teachers.h"

namespace retinaface::training {

/// The recipe's arithmetic, or float32 where the engine is not faster in it on its device, as on a
/// processor without products of bfloat16. Throws Error as BackendRegistry::trainer.
graph::DataType usable_arithmetic(const Recipe& recipe, const Engine& engine = {});

/// How a step is computed, which does not change what it computes but for rounding.
struct StepOptions {
  Engine engine = {};
  int threads = 1;  ///< of the step's own work: input, matching, losses
  /// The branch's tensors, where the recipe trains it with the network, and what errors call them.
  const graph::Weights* branch = nullptr;
  std::string branch_source = "the branch";
};

/// A network with its loss: from a batch of samples to the gradient of its parameters. Where the
/// recipe gives the mesh branch a weight, its head learns beside the network.
class TrainingStep {
 public:
  /// The weights must be the model's. The loss has the distance from the teacher in it, if there is
  /// one. All but the weights and the branch's tensors must outlive the step. Throws
  /// Error(kBadData) for a branch that is none of the model's, and what check_losses throws for the
  /// model's heads.
  TrainingStep(const Recipe& recipe, const models::Model& model, const graph::Weights& weights,
               ProcessGroup& processes, Teachers* teachers = nullptr, StepOptions options = {});

  /// The loss of the samples, squares of the recipe's side; leaves its gradient in gradients(). Of
  /// several processes each brings its share of the batch; loss and gradient are of the whole. The
  /// network sees the samples in the recipe's number of parts, one after the other: the same loss
  /// and gradient, but for the statistics of normalisation, which are each part's own.
  LossValues forward_backward(std::span<const dataset::Sample> batch);

  /// All that is learnt, one after the other: the network's parameters, then the head's of the mesh
  /// branch.
  std::span<const runtime::ParameterSlot> parameters() const;
  std::span<float> values();
  std::span<const float> values() const;
  std::span<float> gradients();
  /// `values`, which lie as the parameters do, as tensors of a model's file.
  graph::Weights weights_from(std::span<const float> values) const;

  runtime::TrainableNetwork& network() { return *network_; }
  const runtime::TrainableNetwork& network() const { return *network_; }

 private:
  NetworkOutputs collect_outputs();
  HeadBatch context_maps();
  double branch_loss(const NetworkOutputs& outputs, std::span<const dataset::Sample> samples,
                     std::span<const ImageTarget> targets, double count);
  /// Replaces each value by its sum over all processes.
  void sum(std::span<double* const> values);
  /// Lets the network begin; where it works on a device of its own, the caller need not wait.
  void begin_forward(std::span<const dataset::Sample> samples);
  /// The loss of what begin_forward() was given, and back.
  LossValues finish_part(std::span<const dataset::Sample> samples,
                         std::span<const ImageTarget> targets, const LossCounts& counts,
                         double branch_count);
  std::vector<ImageTarget> match(std::span<const dataset::Sample> batch) const;

  const Recipe& recipe_;
  const models::Model& model_;
  ProcessGroup& processes_;
  Teachers* teachers_;
  StepOptions options_;
  graph::Graph graph_;
  std::unique_ptr<runtime::TrainableNetwork> network_;
  std::unique_ptr<JointMesh> branch_;  ///< null where it is not trained
  // With a branch, of the network and the head together:
  std::vector<runtime::ParameterSlot> slots_;
  std::vector<float> values_;
  std::vector<float> gradients_;
};

}  // namespace retinaface::training
