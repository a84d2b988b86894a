#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "base/aligned_buffer.h"
#include "graph/calibration.h"
#include "graph/tensor.h"
#include "runtime/kernels/map.h"
#include "runtime/kernels/stem.h"

namespace retinaface::runtime::kernels {

// Convolutions on maps of bytes (doc/low_precision.md), as those on floats are (map.h): one thread,
// one image, nothing generated at run time. Products of bytes are summed exactly in 32 bits, and
// one rounding ends a layer, so that all instruction sets give the same bytes.

using graph::ByteCode;

/// A map of bytes in blocks of channels, each block a plane of (height + 2) x (width + 2) cells: a
/// border of one cell around the map holds each channel's zero, as the padding of a convolution
/// does. Of a map that is read row by row as it is written, only the last rows may be there, and
/// the border around them: a ring. Behind the last block kByteMapSlack bytes may be read.
struct ByteMap {
  std::uint8_t* data = nullptr;
  std::int64_t height = 0;
  std::int64_t width = 0;
  std::int64_t cell_bytes = 0;  ///< of a block: B, or kPixelBytes for the image
  std::int64_t ring_rows = 0;   ///< row y is at place y % ring_rows; 0: at place y

  std::int64_t row_bytes() const { return (width + 2) * cell_bytes; }
  /// Those in memory, without the border.
  std::int64_t rows() const { return ring_rows == 0 ? height : ring_rows; }
  std::int64_t block_bytes() const { return (rows() + 2) * row_bytes(); }
  /// The first cell of row y that is no border, of block b. The rows -1 and height are border.
  std::uint8_t* row(std::int64_t b, std::int64_t y) const {
    const std::int64_t place = y == height ? rows() : y > 0 && ring_rows > 0 ? y % ring_rows : y;
    return data + b * block_bytes() + (place + 1) * row_bytes() + cell_bytes;
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
  /// By out blocks that are done at once (ByteKernels::blocks_at_once), tap, four input channels:
  /// as many B x 4.
  AlignedBuffer<std::int8_t> weight;
  ByteEpilogue epilogue;
  std::int64_t first_blocks = 0;  ///< of the out blocks, those of the first of one or two targets

  bool joins_two() const;

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

/// The first three layers of MobileNet-0.25 as one, as Stem, whose rules for rows are this one's.
struct ByteStem {
  const ByteKernels* kernels = nullptr;
  AlignedBuffer<std::int8_t> first_weight;  ///< by tap, channel: kPixelBytes
  ByteEpilogue first;
  AlignedBuffer<std::int8_t> depthwise_weight;  ///< by channel, column: three rows and a 0
  ByteEpilogue depthwise;
  ByteConvolution pointwise;  ///< of kStemChannels
  ByteConversion image;       ///< of planes
};

/// Those of one instruction set. Rows are what ByteMap::row gives.
struct ByteKernels {
  const char* name = "";
  std::int64_t block = 0;  ///< B, as kernels::best() has it on the same processor
  /// Whether one instruction sums the products of four bytes. Where three do, a 3x3 convolution
  /// takes longer than by Winograd's algorithm in float32.
  bool has_dot_instruction = false;
  /// Of so many out blocks of a convolution, how many are done at once: the first ones.
  std::int64_t (*blocks_at_once)(std::int64_t kernel, std::int64_t left) = nullptr;

  /// `bytes` are two where the layer joins two.
  void (*convolution)(const ByteConvolution&, const ByteMap& in, const ByteMap* bytes,
                      const FloatTarget* floats, std::int32_t* scratch) = nullptr;
  /// Of the result these rows, in order from row 0 on.
  void (*separable)(const ByteDepthwise&, const ByteConvolution&, const ByteMap& in,
                    const ByteMap* bytes, const FloatTarget* floats, const RowRange&,
                    std::int32_t* scratch) = nullptr;
  void (*stem)(const ByteStem&, const StemInput&, const ByteMap* bytes, const FloatTarget* floats,
               const RowRange&, std::int32_t* scratch) = nullptr;
  std::size_t (*stem_words)(std::int64_t in_width) = nullptr;
  void (*add_upsampled)(const ByteAddition&, const ByteMap& fine, const ByteMap& coarse,
                        const ByteMap& target) = nullptr;
  void (*to_bytes)(const ByteConversion&, const float* in, const ByteMap& out) = nullptr;
  void (*to_floats)(const ByteConversion&, const ByteMap& in, float* out) = nullptr;
};

/// Those that this processor runs and RETINAFACE_SIMD allows, best first; none without AVX2.
std::span<const ByteKernels* const> available_byte_kernels();
/// The first, or null.
const ByteKernels* best_byte_kernels();

inline bool ByteConvolution::joins_two() const {
  return first_blocks * kernels->block < out_channels;
}

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

/// `output` is the code of the result, null where that is floats. `slope` as Epilogue's, one or by
/// output channel. The weight is (out, in, kernel, kernel), of which the inputs may be fewer than
/// in_channels.
ByteConvolution make_byte_convolution(const ByteKernels& kernels, const graph::Tensor& weight,
                                      const graph::Tensor& bias, std::int64_t stride,
                                      std::span<const float> slope, const ByteCode& input,
                                      const ByteCode* output);
ByteConvolution make_byte_convolution(const ByteKernels& kernels, const graph::Tensor& weight,
                                      const graph::Tensor& bias, std::int64_t stride, float slope,
                                      const ByteCode& input, const ByteCode* output);
/// `weight` is (channels, 1, 3, 3); channels that do not fill a block are filled up.
ByteDepthwise make_byte_depthwise(const ByteKernels& kernels, const graph::Tensor& weight,
                                  const graph::Tensor& bias, std::int64_t stride, float slope,
                                  const ByteCode& input, const ByteCode& output);
/// One of a stem's layers; `code` is its result's, null where that is floats.
struct ByteStemLayer {
  const graph::Tensor* weight = nullptr;
  const graph::Tensor* bias = nullptr;
  float slope = 1;
  const ByteCode* code = nullptr;
};
/// Weights are (8, 3, 3, 3), (8, 1, 3, 3) and (out, 8, 1, 1).
ByteStem make_byte_stem(const ByteKernels& kernels, const ByteStemLayer& first,
                        const ByteStemLayer& depthwise, const ByteStemLayer& pointwise,
                        const ByteCode& image);
/// Whether the bytes that stand for an image less this mean are its pixels.
bool reads_pixels(const ByteStem& layer, std::span<const float> mean);
ByteAddition make_byte_addition(const ByteKernels& kernels, const ByteCode& fine,
                                const ByteCode& coarse, const ByteCode& output);
/// `image`: from three planes of floats to kPixelBytes a cell.
ByteConversion make_to_bytes(const ByteKernels& kernels, const ByteCode& code, bool image);
ByteConversion make_to_floats(const ByteKernels& kernels, const ByteCode& code);

// `bytes` or `floats` is where the result goes, the other null. `scratch` has as many words as
// these say, aligned to a cache line.
std::size_t scratch_words(const ByteConvolution& layer);
std::size_t scratch_words(const ByteStem& layer, std::int64_t in_width);
std::size_t scratch_words(const ByteDepthwise& depthwise, const ByteConvolution& pointwise,
                          std::int64_t in_width);

}  // namespace retinaface::runtime::kernels
