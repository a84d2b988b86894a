#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "base/aligned_buffer.h"
#include "graph/graph.h"
#include "graph/weights.h"

namespace retinaface::runtime::kernels {

// Convolutions of our own for float maps in blocks of channels (runtime.h), on one thread, for
// images one at a time. Nothing is generated at run time, so an image of a new size costs
// nothing extra. For the layers of light networks, whose weights fit into the cache; oneDNN serves
// the rest. In comments B is the block: channels of one vector register.

/// Channels of a block on this CPU: 16 with AVX-512, 8 with AVX2; 0 where there are no kernels.
std::int64_t block();

/// A map in memory; block b is the plane at data + b * block_stride.
struct Map {
  float* data = nullptr;
  std::int64_t height = 0;
  std::int64_t width = 0;
  std::int64_t block_stride = 0;  ///< height * width * B where the map is whole
};

/// Where the blocks of a convolution's result go, one plane each: parts of one map or of several.
using BlockPointers = std::vector<float*>;

/// After the sum of products: y = max(x, slope x), slope in [0, 1] by channel (1: nothing is done).
struct Epilogue {
  AlignedBuffer<float> bias;   ///< by output channel, padded to whole blocks
  AlignedBuffer<float> slope;  ///< the same
};

Epilogue make_epilogue(const graph::Tensor& bias, float slope);
/// One after the other, for convolutions that are run as one.
Epilogue joined(const Epilogue& first, const Epilogue& second);

/// 1x1 convolution, stride 1. In and out channels are multiples of B.
struct Pointwise {
  std::int64_t in_channels = 0;
  std::int64_t out_channels = 0;
  AlignedBuffer<float>
      weight;  ///< by pair of out blocks: in_channels x 2B (the last may be single)
  Epilogue epilogue;
};

/// `weight` is (out, in, 1, 1).
Pointwise make_pointwise(const graph::Tensor& weight, Epilogue epilogue);

/// Depthwise 3x3 convolution, padding 1, stride 1 or 2. Channels are a multiple of B.
struct Depthwise {
  std::int64_t channels = 0;
  std::int64_t stride = 1;
  AlignedBuffer<float> weight;  ///< by block: 9 x B
  Epilogue epilogue;
};

/// `weight` is (channels, 1, 3, 3).
Depthwise make_depthwise(const graph::Tensor& weight, std::int64_t stride, Epilogue epilogue);

/// 3x3 convolution, stride 1, padding 1, by Winograd's algorithm F(4x4, 3x3) (Lavin and Gray 2016):
/// a quarter of the products. Out channels that do not fill a block are filled up with zeros.
struct Winograd {
  std::int64_t in_channels = 0;   ///< whole blocks
  std::int64_t out_channels = 0;  ///< whole blocks
  AlignedBuffer<float> weight;    ///< transformed; by 36 positions as Pointwise::weight
  Epilogue epilogue;
};

/// `weight` is (out, in, 3, 3).
Winograd make_winograd(const graph::Tensor& weight, Epilogue epilogue);

/// Deformable convolution (graph::DeformableConvolution) of any size and stride. Channels that do
/// not fill a block are filled up with zeros.
struct Deformable {
  std::int64_t in_channels = 0;   ///< whole blocks
  std::int64_t out_channels = 0;  ///< whole blocks
  std::int64_t kernel = 3;
  std::int64_t stride = 1;
  std::int64_t padding = 1;
  AlignedBuffer<float> weight;  ///< as Pointwise::weight, inputs by block, point, channel of it
  Epilogue epilogue;
};

/// `weight` is (out, in, kernel, kernel).
Deformable make_deformable(const graph::Tensor& weight, std::int64_t stride, std::int64_t padding,
                           Epilogue epilogue);

/// The first three layers of MobileNet-0.25 as one: a 3x3 stride 2 convolution of 3 planes to 8
/// channels, a depthwise 3x3 on those, a 1x1 to `out_channels`, which is a multiple of B.
struct Stem {
  std::int64_t out_channels = 0;
  AlignedBuffer<float> first_weight;      ///< 27 x 8: plane, row, column, channel
  AlignedBuffer<float> depthwise_weight;  ///< 8 x 9
  AlignedBuffer<float> pointwise_weight;  ///< by out block: 8 x B
  Epilogue first;
  Epilogue depthwise;
  Epilogue pointwise;
};

inline constexpr std::int64_t kStemChannels = 8;

/// Weights are (8, 3, 3, 3), (8, 1, 3, 3) and (out, 8, 1, 1).
Stem make_stem(const graph::Tensor& first, Epilogue first_epilogue, const graph::Tensor& depthwise,
               Epilogue depthwise_epilogue, const graph::Tensor& pointwise,
               Epilogue pointwise_epilogue);

// Running them. `out` holds out_channels / B planes; `scratch` as many floats as *_scratch says,
// aligned to a cache line.

void run(const Pointwise& layer, const Map& in, const BlockPointers& out);

/// A depthwise and a pointwise convolution as one: rows of the inner map live in the cache only.
void run(const Depthwise& depthwise, const Pointwise& pointwise, const Map& in,
         const BlockPointers& out, float* scratch);
std::size_t scratch_floats(const Depthwise& depthwise, std::int64_t in_width);

void run(const Winograd& layer, const Map& in, const BlockPointers& out, float* scratch);
std::size_t scratch_floats(const Winograd& layer);

/// The result has the height and width of `offsets`.
void run(const Deformable& layer, const Map& in, const Map& offsets, const BlockPointers& out,
         float* scratch);
std::size_t scratch_floats(const Deformable& layer);

/// `in` is planar: 3 planes of height x width.
void run(const Stem& layer, const Map& in, const BlockPointers& out, float* scratch);
std::size_t scratch_floats(const Stem& layer, std::int64_t in_width);

// For training: many images at once, adjacent channels, parts of the work on different threads.

/// Maps of several images, as training keeps them: N x height x width cells of adjacent channels,
/// which are whole blocks. Aligned to a cache line.
struct Batch {
  float* data = nullptr;
  std::int64_t images = 0;
  std::int64_t height = 0;
  std::int64_t width = 0;
  std::int64_t channels = 0;
};

/// The tiles of 4x4 cells that Winograd's algorithm divides a batch into, image after image.
std::int64_t winograd_tiles(const Batch& batch);

/// Tiles [begin, end) of the result; `scratch` is the thread's own.
void run(const Winograd& layer, const Batch& in, const Batch& out, std::int64_t begin,
         std::int64_t end, float* scratch);

/// The gradient of a 3x3 convolution's weights by those of its results, by the adjoint of
/// Winograd's algorithm: tiles of both maps are transformed, multiplied at each of 36 positions,
/// summed over all tiles, and only the sums are transformed back. Memory is the caller's,
/// zero-filled `sums`.
struct WinogradGradient {
  std::int64_t tiles = 0;      ///< worked on at once
  float* inputs = nullptr;     ///< winograd_gradient_floats(tiles, in channels)
  float* gradients = nullptr;  ///< winograd_gradient_floats(tiles, out channels)
  float* sums = nullptr;       ///< 36 x out x in
};

std::size_t winograd_gradient_floats(std::int64_t tiles, std::int64_t channels);

/// Transforms tiles [begin, end) of those worked on, which start at `first`.
void transform(const WinogradGradient& sums, const Batch& in, const Batch& gradient,
               std::int64_t first, std::int64_t begin, std::int64_t end);
/// Adds the products of the first `count` transformed tiles at one position.
void add_products(const WinogradGradient& sums, std::int64_t in_channels, std::int64_t out_channels,
                  std::int64_t count, std::int64_t position);
/// The gradients of the weights (out, in, 3, 3) of the outputs [begin, end).
void finish(const WinogradGradient& sums, std::int64_t in_channels, std::int64_t out_channels,
            std::int64_t begin, std::int64_t end, float* weight_gradient);

/// target += source resized to target's size by nearest neighbour: source = floor(target * in /
/// out). `blocks` blocks each.
void add_upsampled(const Map& source, const Map& target, std::int64_t blocks);

}  // namespace retinaface::runtime::kernels
