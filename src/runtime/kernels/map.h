#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "base/aligned_buffer.h"
#include "graph/weights.h"

namespace retinaface::runtime::kernels {

// Convolutions of our own for float maps in blocks of channels (runtime.h), on one thread, for
// images one at a time. Nothing is generated at run time, so an image of a new size costs
// nothing extra. For the layers of light networks, whose weights fit into the cache; oneDNN serves
// the rest. In comments B is the block: channels of one vector register.

struct Kernels;  // of one instruction set (kernels.h)

/// A map in memory; block b is the plane at data + b * block_stride. Of a map that is read row by
/// row as it is written, only the last rows may be there: a ring.
struct Map {
  float* data = nullptr;
  std::int64_t height = 0;
  std::int64_t width = 0;
  std::int64_t block_stride = 0;  ///< height * width * B where the map is whole
  std::int64_t ring_rows = 0;     ///< row y is at place y % ring_rows; 0: at place y

  std::int64_t place_of(std::int64_t y) const { return ring_rows == 0 ? y : y % ring_rows; }
};

/// Rows [begin, end) of a result.
struct RowRange {
  std::int64_t begin = 0;
  std::int64_t end = 0;
};

/// Where the blocks of a convolution's result go, one plane each: parts of one map or of several,
/// `offset` floats behind the planes' starts.
struct BlockPointers {
  std::span<float* const> planes;
  std::int64_t offset = 0;
  /// Past the caches, for maps that none holds: else each line is read before it is written.
  bool streams = false;

  std::int64_t size() const { return static_cast<std::int64_t>(planes.size()); }
  float* at(std::int64_t b) const { return planes[static_cast<std::size_t>(b)] + offset; }
  BlockPointers behind(std::int64_t floats) const { return {planes, offset + floats, streams}; }
};

/// A map of the result's shape that is added to it before its activation; data is null where there
/// is none.
struct Addend {
  const float* data = nullptr;
  std::int64_t block_stride = 0;

  Addend behind(std::int64_t floats) const {
    return {data == nullptr ? nullptr : data + floats, block_stride};
  }
};

/// After the sum of products: y = max(x, 0) + slope min(x, 0), the slope by channel (1: nothing is
/// done).
struct Epilogue {
  AlignedBuffer<float> bias;   ///< by output channel, padded to whole blocks
  AlignedBuffer<float> slope;  ///< the same
};

Epilogue make_epilogue(const Kernels& kernels, const graph::Tensor& bias, float slope);
/// `slopes` by channel.
Epilogue make_epilogue(const Kernels& kernels, const graph::Tensor& bias,
                       std::span<const float> slopes);
/// One after the other, for convolutions that are run as one.
Epilogue joined(const Epilogue& first, const Epilogue& second);

// A layer is made for the kernels of one instruction set, whose block its weights are packed by,
// and is run by them. In run(), `out` holds out_channels / B planes; `scratch` has as many floats
// as scratch_floats() says, aligned to a cache line.

}  // namespace retinaface::runtime::kernels
