#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string_view>

#include "graph/graph.h"
#include "graph/weights.h"

namespace retinaface::runtime {

/// A feature map of one picture as it lies in memory: blocks of `block` channels, each block a
/// plane of height x width cells, each cell `block` adjacent values. block = 1 is planar (CHW).
/// Belongs to the session; valid until its next input() or run().
struct FeatureMap {
  const float* data = nullptr;
  std::int64_t channels = 0;
  std::int64_t height = 0;
  std::int64_t width = 0;
  std::int64_t block = 1;

  /// Values from one channel block to the next.
  std::int64_t block_stride() const { return height * width * block; }
  float at(std::int64_t c, std::int64_t y, std::int64_t x) const {
    return data[c / block * block_stride() + (y * width + x) * block + c % block];
  }
};

/// One caller's scratch memory for one network. Not shared between threads.
class Session {
 public:
  virtual ~Session() = default;

  /// Where the caller writes the next picture: 3 planes of height x width floats, preprocessed, in
  /// the network's channel order. Both sides at least 1.
  virtual std::span<float> input(std::int64_t height, std::int64_t width) = 0;

  /// Runs the network on what input() was given. Uses the calling thread alone.
  virtual void run() = 0;

  /// The map of the graph's output number `index`, in Graph::outputs() order.
  virtual FeatureMap output(std::size_t index) const = 0;
};

/// A network ready to run: immutable, its weights shared by the sessions of all threads.
class Network {
 public:
  virtual ~Network() = default;
  virtual std::unique_ptr<Session> new_session() const = 0;
};

/// Plain loops in double precision, batch normalisation and all: the oracle of the tests.
std::shared_ptr<const Network> make_reference_network(graph::Graph graph, graph::Weights weights);

/// Fast float32 inference on one CPU core, by oneDNN.
std::shared_ptr<const Network> make_onednn_network(const graph::Graph& graph,
                                                   const graph::Weights& weights);

}  // namespace retinaface::runtime
