#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "base/aligned_buffer.h"
#include "graph/calibration.h"
#include "graph/tensor.h"

namespace retinaface::runtime::kernels {

// Convolutions on maps of bytes (doc/low_precision.md), as those on floats are (map.h): one thread,
// one image, nothing generated at run time. Products of bytes are summed exactly in 32 bits, and
// one rounding ends a layer, so that all instruction sets give the same bytes.

using graph::ByteCode;

/// A map of bytes in blocks of channels, each block a plane of (height + 2) x (width + 2) cells: a
/// border of one cell around the map holds each channel's zero, as the padding of a convolution
/// does. Behind the last block kByteMapSlack bytes may be read.
struct ByteMap {
  std::uint8_t* data = nullptr;
  std::int64_t height = 0;
  std::int64_t width = 0;
  std::int64_t cell_bytes = 0;  ///< of a block: B, or kPixelBytes for the image

  std::int64_t row_bytes() const { return (width + 2) * cell_bytes; }
  std::int64_t block_bytes() const { return (height + 2) * row_bytes(); }
  /// The first cell of row y that is no border, of block b.
  std::uint8_t* row(std::int64_t b, std::int64_t y) const {
    return data + b * block_bytes() + (y + 1) * row_bytes() + cell_bytes;
  }
};
inline constexpr std::int64_t kByteMapSlack = 64;
/// The image's three channels and a fourth that counts for nothing.
inline constexpr std::int64_t kPixelBytes = 4;

/// A float map that a convolution of bytes writes: as kernels::Map.
struct FloatTarget {
  float* data = nullptr;
  std::int64_t block_stride = 0;
};

/// Of a sum of products: y = max(sum * scale, sum * leaky), then y + offset, by channel. The bytes
/// of the result are that, rounded to the nearest (even) and held to 0 to 255.
struct ByteEpilogue {
  AlignedBuffer<std::int32_t> bias;  ///< what the sum starts from
  AlignedBuffer<float> scale;
  AlignedBuffer<float> leaky;      ///< scale times the activation's slope
  AlignedBuffer<float> offset;     ///< the zero of the result's code; 0 for floats
  std::vector<std::uint8_t> zero;  ///< the same, for borders; empty for floats
};

struct ByteKernels;

/// Convolution 1x1 or 3x3 ("same" padding) of stride 1, or the 3x3 of stride 2 that reads the
/// image. Out channels are whole blocks.
struct ByteConvolution {
  const ByteKernels* kernels = nullptr;
  std::int64_t in_channels = 0;  ///< whole blocks; kPixelBytes for the image
  std::int64_t out_channels = 0;
  std::int64_t kernel = 1;
  std::int64_t stride = 1;
  /// By pair of out blocks (the last may be single), tap, four input channels: 2B x 4.
  AlignedBuffer<std::int8_t> weight;
  ByteEpilogue epilogue;

  bool reads_image() const { return stride == 2; }
};

/// Depthwise 3x3 convolution, padding 1, stride 1 or 2. Channels are whole blocks.
struct ByteDepthwise {
  const ByteKernels* kernels = nullptr;
  std::int64_t channels = 0;
  std::int64_t stride = 1;
  AlignedBuffer<std::int8_t> weight;  ///< by block, column: B x 4, three rows and a 0
  ByteEpilogue epilogue;
};

/// target = source 0 + source 1 resized as add_upsampled does, each with a code of its own; target
/// may be source 0.
struct ByteAddition {
  const ByteKernels* kernels = nullptr;
  AlignedBuffer<float> fine;    ///< factors of source 0's bytes, by channel
  AlignedBuffer<float> coarse;  ///< of source 1's
  AlignedBuffer<float> offset;
  std::vector<std::uint8_t> zero;  ///< of the target's code
};

/// Between floats and bytes.
struct ByteConversion {
  const ByteKernels* kernels = nullptr;
  AlignedBuffer<float> factor;  ///< by channel, whole blocks; from floats: 1 / scale
  AlignedBuffer<float> offset;  ///< bytes = floats * factor + offset, floats = bytes * factor + it
  std::vector<std::uint8_t> zero;
  bool is_image = false;  ///< its bytes are pixels, kPixelBytes a cell
};

/// Those of one instruction set. Rows are what ByteMap::row gives.
struct ByteKernels {
  const char* name = "";
  std::int64_t block = 0;  ///< B, as kernels::best() has it on the same processor

  void (*convolution)(const ByteConvolution&, const ByteMap& in, const ByteMap* bytes,
                      const FloatTarget* floats, std::int32_t* scratch) = nullptr;
  void (*separable)(const ByteDepthwise&, const ByteConvolution&, const ByteMap& in,
                    const ByteMap* bytes, const FloatTarget* floats,
                    std::int32_t* scratch) = nullptr;
  void (*add_upsampled)(const ByteAddition&, const ByteMap& fine, const ByteMap& coarse,
                        const ByteMap& target) = nullptr;
  void (*to_bytes)(const ByteConversion&, const float* in, const ByteMap& out) = nullptr;
  void (*to_floats)(const ByteConversion&, const ByteMap& in, float* out) = nullptr;
};

/// Those that this processor runs and RETINAFACE_SIMD allows, best first; none without AVX2.
std::span<const ByteKernels* const> available_byte_kernels();
/// The first, or null.
const ByteKernels* best_byte_kernels();

/// Weights of a convolution as bytes, by output channel: weight = scale * byte.
struct ByteWeights {
  std::vector<float> scale;
  std::vector<std::int8_t> bytes;  ///< in the weight's order
};
/// `weight` is (out, in / groups, kernel, kernel); before it is rounded, an input channel's part is
/// multiplied by that channel's scale in `input`. AVX2 sums products of neighbours in 16 bits,
/// which hold 255 times 128: of two neighbours the positive bytes, and the negative ones, are at
/// most 128 together. Neighbours are inputs 2i and 2i + 1 at one tap, of depthwise ones the upper
/// two rows of a column.
ByteWeights byte_weights(const graph::Tensor& weight, const ByteCode& input);

/// `output` is the code of the result, null where that is floats. `slope` as Epilogue's. The weight
/// is (out, in, kernel, kernel), of which the inputs may be fewer than in_channels.
ByteConvolution make_byte_convolution(const ByteKernels& kernels, const graph::Tensor& weight,
                                      const graph::Tensor& bias, std::int64_t stride, float slope,
                                      const ByteCode& input, const ByteCode* output);
/// `weight` is (channels, 1, 3, 3); channels that do not fill a block are filled up.
ByteDepthwise make_byte_depthwise(const ByteKernels& kernels, const graph::Tensor& weight,
                                  const graph::Tensor& bias, std::int64_t stride, float slope,
                                  const ByteCode& input, const ByteCode& output);
ByteAddition make_byte_addition(const ByteKernels& kernels, const ByteCode& fine,
                                const ByteCode& coarse, const ByteCode& output);
/// `image`: from three planes of floats to kPixelBytes a cell.
ByteConversion make_to_bytes(const ByteKernels& kernels, const ByteCode& code, bool image);
ByteConversion make_to_floats(const ByteKernels& kernels, const ByteCode& code);

// `bytes` or `floats` is where the result goes, the other null. `scratch` has as many words as
// these say, aligned to a cache line.
std::size_t scratch_words(const ByteConvolution& layer);
std::size_t scratch_words(const ByteDepthwise& depthwise, const ByteConvolution& pointwise,
                          std::int64_t in_width);

}  // namespace retinaface::runtime::kernels
