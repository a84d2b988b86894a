#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "graph/graph.h"
#include "graph/tensor.h"
#include "graph/weights.h"
#include "runtime/device.h"

// A reader of the graph that can also go backwards, as training sees it; the engines behind it
// (torch/, autograd/) keep libtorch's headers to themselves (one of them takes 13 s to compile).
namespace retinaface::runtime {

struct TrainableOptions {
  /// Of maps and convolutions; weights, statistics and losses are float32.
  graph::DataType type = graph::DataType::kFloat32;
  /// Parameters whose name starts with one of these keep their value, and their normalisation uses
  /// its running statistics.
  std::vector<std::string> frozen = {};
  /// All normalisation uses its running statistics; scale and shift are still learnt.
  bool frozen_statistics = false;
  /// Keep the maps at some seams of the network alone, and compute the others again in the backward
  /// pass: the same values in much less memory, for another forward pass's time.
  bool recompute = false;
  /// How much of a batch's statistics goes into the running ones.
  float statistics_momentum = 0.1F;
  /// Replaces the values by their sums over all processes that share a batch; empty for one. Called
  /// at the same points, with the same sizes, in each process.
  std::function<void(std::span<double>)> sum_over_processes = {};
  /// One of the backend's (Backend::devices).
  std::string device = kProcessor;
};

/// Where one parameter lies in TrainableNetwork::values().
struct ParameterSlot {
  std::string name;
  std::vector<std::int64_t> shape;
  std::size_t offset = 0;
  std::size_t size = 0;
  bool trainable = true;    ///< false when frozen, and for running statistics
  bool of_norm = false;     ///< belongs to a normalisation
  bool is_bias = false;     ///< an additive shift, of a convolution or of a normalisation
  bool statistic = false;   ///< a running mean or variance
  bool of_offsets = false;  ///< of a layer that yields a deformable convolution's offsets
};

/// The parameters of a graph, one after the other in the order of graph::parameters(). Those whose
/// names start with one of `frozen` are not trainable.
std::vector<ParameterSlot> parameter_slots(const graph::Graph& graph,
                                           std::span<const std::string> frozen);

/// Values that lie as the slots say, as tensors.
graph::Weights weights_from(std::span<const ParameterSlot> slots, std::span<const float> values);

/// A batch of one of the network's outputs: N x H x W cells of C adjacent values.
struct OutputBatch {
  const float* data = nullptr;
  std::int64_t n = 0;
  std::int64_t h = 0;
  std::int64_t w = 0;
  std::int64_t c = 0;

  std::size_t size() const { return static_cast<std::size_t>(n * h * w * c); }
};

/// A network whose parameters can be moved along their gradients. One caller at a time. A pass is
/// input(), forward(), the outputs and, where it is to learn, output_gradient() of each and
/// backward(). An engine may work on a device of its own: parameters, images, outputs and gradients
/// lie in the caller's memory all the same.
class TrainableNetwork {
 public:
  virtual ~TrainableNetwork() = default;
  TrainableNetwork(const TrainableNetwork&) = delete;
  TrainableNetwork& operator=(const TrainableNetwork&) = delete;

  /// In the order of graph::parameters().
  std::span<const ParameterSlot> parameters() const { return slots_; }
  /// All parameters, one after the other: what an optimizer changes.
  std::span<float> values() { return values_; }
  std::span<const float> values() const { return values_; }
  /// Of the loss by the values, summed over all calls of backward() since clear_gradients(); 0
  /// where nothing is trainable.
  std::span<float> gradients() { return gradients_; }
  void clear_gradients();
  /// The parameters as they are now.
  graph::Weights weights() const { return weights_from(slots_, values_); }

  /// Where the next n images of h x w cells of adjacent channels (NHWC), preprocessed, are written.
  virtual std::span<float> input(std::int64_t n, std::int64_t h, std::int64_t w) = 0;
  /// Runs the network on what input() was given. Normalisation uses the batch's statistics and
  /// moves the running ones. May return while a device still works; the first output() waits for
  /// it, and the running statistics are moved by then.
  virtual void forward() = 0;
  /// The output number `index`, in Graph::outputs() order, until the next input().
  virtual OutputBatch output(std::size_t index) = 0;
  /// Where the gradient of the loss by that output is written, in the output's own order and
  /// layout.
  virtual std::span<float> output_gradient(std::size_t index) = 0;
  /// Adds the gradients that follow from those of the loss by each output. Once for each forward().
  virtual void backward() = 0;

 protected:
  /// The weights must be the graph's (graph::check_weights).
  TrainableNetwork(const graph::Graph& graph, const graph::Weights& weights,
                   std::span<const std::string> frozen);
  std::vector<ParameterSlot> slots_;
  std::vector<float> values_;
  std::vector<float> gradients_;
};

}  // namespace retinaface::runtime
