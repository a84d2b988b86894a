#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "graph/graph.h"
#include "graph/weights.h"

// The reader of a graph that can also go backwards. libtorch does the convolutions; its headers
// stay in the .cc files (one of them takes 13 s to compile).
namespace retinaface::runtime {

enum class Precision {
  kFloat32,
  kBfloat16,  ///< maps and convolutions; weights, statistics and the losses stay float32
};

struct TrainableOptions {
  Precision precision = Precision::kFloat32;
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

/// A batch of one of the network's outputs: N x H x W cells of C adjacent values.
struct OutputBatch {
  const float* data = nullptr;
  std::int64_t n = 0;
  std::int64_t h = 0;
  std::int64_t w = 0;
  std::int64_t c = 0;

  std::size_t size() const { return static_cast<std::size_t>(n * h * w * c); }
};

/// A network whose parameters can be moved along their gradients. One caller at a time; uses
/// `set_threads` threads.
class TrainableNetwork {
 public:
  /// The weights must be the graph's (graph::check_weights).
  TrainableNetwork(const graph::Graph& graph, const graph::Weights& weights,
                   TrainableOptions options = {});
  ~TrainableNetwork();
  TrainableNetwork(TrainableNetwork&&) noexcept;
  TrainableNetwork& operator=(TrainableNetwork&&) noexcept;

  /// In the order of graph::parameters().
  std::span<const ParameterSlot> parameters() const;
  /// All parameters, one after the other: what an optimizer changes.
  std::span<float> values();
  std::span<const float> values() const;
  /// Of the loss by the values, summed over all calls of backward() since clear_gradients(); 0
  /// where nothing is trainable.
  std::span<float> gradients();
  void clear_gradients();

  /// Runs the network on n images of h x w cells of adjacent channels (NHWC), preprocessed.
  /// Normalisation uses the batch's statistics and moves the running ones. The images must stay
  /// until backward() has returned.
  void forward(std::span<const float> images, std::int64_t n, std::int64_t h, std::int64_t w);
  /// The output number `index`, in Graph::outputs() order, until the next forward().
  OutputBatch output(std::size_t index) const;
  /// Adds the gradients that follow from those of the loss by each output, in the outputs' own
  /// order and layout.
  void backward(std::span<const std::span<const float>> output_gradients);

  /// The parameters as they are now.
  graph::Weights weights() const;

 private:
  class Implementation;
  std::unique_ptr<Implementation> implementation_;
};

/// Threads that all networks of the process use together, at least 1.
void set_threads(int threads);

/// Tells the allocator to keep freed memory for the next step instead of handing it back to the
/// system, which costs a third of the time otherwise. For programs that train, at their start.
void keep_step_memory();

}  // namespace retinaface::runtime
