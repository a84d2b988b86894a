#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

namespace retinaface::runtime {

/// A feature map of one image as it lies in memory: blocks of `block` channels, each block a
/// plane of height x width cells, each cell `block` adjacent values. block = 1 is planar (CHW). The
/// map may be a run of channels of a larger one. Belongs to the session; valid until its next
/// input() or run().
struct FeatureMap {
  const float* data = nullptr;     ///< of the whole map, channel 0
  std::int64_t first_channel = 0;  ///< of this map within the whole
  std::int64_t channels = 0;
  std::int64_t height = 0;
  std::int64_t width = 0;
  std::int64_t block = 1;

  std::int64_t cells() const { return height * width; }
  /// Channel c of the cell number i, counted row by row, is channel(c)[i * block].
  const float* channel(std::int64_t c) const {
    c += first_channel;
    return data + c / block * cells() * block + c % block;
  }
};

/// One caller's scratch memory for one network. Not shared between threads.
class Session {
 public:
  virtual ~Session() = default;

  /// Where the caller writes the next image: 3 planes of height x width floats, preprocessed, in
  /// the network's channel order. Both sides at least 1.
  virtual std::span<float> input(std::int64_t height, std::int64_t width) = 0;

  /// Runs the network on what input() was given. Uses the calling thread alone.
  virtual void run() = 0;

  /// The map of the graph's output number `index`, in the order of Graph::outputs().
  virtual FeatureMap output(std::size_t index) const = 0;
};

/// A network ready to run: immutable, its weights shared by the sessions of all threads. Must
/// outlive its sessions.
class Network {
 public:
  virtual ~Network() = default;
  virtual std::unique_ptr<Session> new_session() const = 0;
};

}  // namespace retinaface::runtime
