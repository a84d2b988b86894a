#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <vector>

#include "graph/weights.h"
#include "mesh/head.h"
#include "runtime/trainable_network.h"
#include "training/mesh_samples.h"

namespace retinaface::training {

/// mesh::MeshHead as it is trained: of inputs made of mean 0 and deviation 1 for each kind of
/// anchor, which the weights that are saved take over.
class TrainableMeshHead {
 public:
  /// Random weights that say the mean face of everything.
  TrainableMeshHead(std::size_t kinds, std::span<const MeshSample> samples, std::uint64_t seed);
  /// One that was trained, to be trained on: the tensors of mesh::MeshHead for so many kinds of
  /// anchors and features. Throws Error(kBadData), `source` first, for others.
  TrainableMeshHead(const graph::Weights& weights, std::size_t kinds, std::size_t features,
                    const std::string& source);

  /// Where each tensor lies among the values.
  const std::vector<runtime::ParameterSlot>& slots() const { return slots_; }
  std::span<float> values() { return values_; }
  std::span<const float> values() const { return values_; }

  /// What the backward pass needs of a forward one.
  struct Pass {
    std::vector<float> input;   ///< normalised
    std::vector<float> hidden;  ///< after the activation
    mesh::Parameters parameters;
  };
  Pass forward(const MeshSample& sample) const;
  /// Adds to `gradient`, of the size of values(), and to `by_input`, unless that is empty, the
  /// derivatives by the first of the sample's inputs, as many as it has room for.
  void backward(const MeshSample& sample, const Pass& pass,
                std::span<const float, mesh::kParameters> by_parameters, std::span<float> gradient,
                std::span<float> by_input = {}) const;

  /// The tensors of mesh::MeshHead.
  graph::Weights weights() const;

 private:
  void make_slots();

  std::size_t kinds_;
  std::size_t inputs_;
  std::vector<float> mean_;     // (kinds, inputs)
  std::vector<float> inverse_;  // of the deviation, the same
  std::vector<float> values_;
  std::vector<runtime::ParameterSlot> slots_;
};

}  // namespace retinaface::training
