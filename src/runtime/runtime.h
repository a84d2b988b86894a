#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/check.h"
#include "graph/graph.h"
#include "graph/tensor.h"
#include "image/pixel_source.h"

namespace retinaface::runtime {

/// Where a caller writes images, planar: (N, C, H, W) elements of `type`. Belongs to the session;
/// valid until its next input().
struct InputMap {
  void* data = nullptr;
  graph::DataType type = graph::DataType::kFloat32;
  graph::Shape shape;

  /// The elements of all images, which must be of the type that is asked for.
  template <typename T = float>
  std::span<T> values() const {
    RF_CHECK(type == graph::data_type_of<T>());
    return {static_cast<T*>(data), static_cast<std::size_t>(shape.elements())};
  }
  /// Those of image number n.
  template <typename T = float>
  std::span<T> image(std::int64_t n) const {
    RF_CHECK(n >= 0 && n < shape.n);
    const std::span<T> all = values<T>();
    const std::size_t size = all.size() / static_cast<std::size_t>(shape.n);
    return all.subspan(static_cast<std::size_t>(n) * size, size);
  }
};

/// The feature maps of a batch of images as they lie in memory, image by image: blocks of `block`
/// channels, each block a plane of height x width cells, each cell `block` adjacent elements. block
/// = 1 is planar (CHW). The maps may be a run of channels of larger ones. Belongs to the session;
/// valid until its next input() or run().
struct FeatureMap {
  const void* data = nullptr;  ///< of the first image's whole map, channel 0
  graph::DataType type = graph::DataType::kFloat32;
  std::int64_t images = 1;
  std::int64_t image_stride = 0;   ///< elements from one image's map to the next one's
  std::int64_t first_channel = 0;  ///< of this map within the whole
  std::int64_t channels = 0;
  std::int64_t height = 0;
  std::int64_t width = 0;
  std::int64_t block = 1;

  std::int64_t cells() const { return height * width; }

  /// The map of image number n alone.
  FeatureMap image(std::int64_t n) const {
    RF_CHECK(n >= 0 && n < images);
    FeatureMap one = *this;
    one.images = 1;
    one.data = static_cast<const std::byte*>(data) +
               static_cast<std::size_t>(n * image_stride) * graph::element_bytes(type);
    return one;
  }

  /// Channel c of the first image's cell number i, counted row by row, is channel(c)[i * block].
  /// Its elements must be of the type that is asked for.
  template <typename T = float>
  const T* channel(std::int64_t c) const {
    RF_CHECK(type == graph::data_type_of<T>());
    c += first_channel;
    return static_cast<const T*>(data) + c / block * cells() * block + c % block;
  }
};

/// One caller's scratch memory for one network. Not shared between threads.
class Session {
 public:
  virtual ~Session() = default;

  /// Where the caller writes the next images, all of one size: preprocessed, their planes in the
  /// network's channel order. Each extent at least 1.
  virtual InputMap input(std::int64_t images, std::int64_t height, std::int64_t width) = 0;

  /// Runs the network on what input() was given. Uses the calling thread alone.
  virtual void run() = 0;

  /// Runs the network on an image of pixels as it lies, without planes of floats between, where it
  /// can: else nothing is done, and the answer is false. `height` and `width` are what the network
  /// sees, at least the image's; beyond the image all is 0. What input() gave is valid no more.
  virtual bool run_on_pixels(const PixelSource& image, std::int64_t height, std::int64_t width) {
    (void)image, (void)height, (void)width;
    return false;
  }

  /// The maps of the graph's output number `index`, in the order of Graph::outputs().
  virtual FeatureMap output(std::size_t index) const = 0;
};

/// How far the outputs of two networks were apart for the same images.
struct OutputDifference {
  std::string output;   ///< its name in the graph
  double absolute = 0;  ///< the largest of any element
  /// The largest of an element over the largest magnitude of the same image's output.
  double relative = 0;
};

/// A network ready to run: immutable, its weights shared by the sessions of all threads. Must
/// outlive its sessions.
class Network {
 public:
  virtual ~Network() = default;
  virtual std::unique_ptr<Session> new_session() const = 0;
  /// Of a network that compares two (backend "compare"): the largest differences in all runs of its
  /// sessions so far, by output. Empty for others. Safe while sessions run.
  virtual std::vector<OutputDifference> differences() const { return {}; }
};

}  // namespace retinaface::runtime
