#pragma once

#include <cstdint>
#include <span>

#include "runtime/kernels/map.h"

namespace retinaface::runtime::kernels {

/// Weights from input to output channels, one matrix or several of one size, packed as the kernels'
/// products take them: as floats or, by kernels of bfloat16, as pairs. In and out channels are
/// multiples of B.
struct ProductWeights {
  /// By pair of out blocks: in_channels x 2B (the last may be single).
  AlignedBuffer<float> floats;
  /// In their place two in channels' bfloat16 in one, the even one's in the lower half:
  /// in_channels / 2 x 2B.
  AlignedBuffer<std::uint32_t> pairs;
};

/// Of so many matrices, to be filled by put().
ProductWeights make_product_weights(const Kernels& kernels, std::int64_t matrices,
                                    std::int64_t out_channels, std::int64_t in_channels);

/// The place of a weight.
struct WeightPlace {
  std::int64_t matrix = 0;
  std::int64_t out = 0;
  std::int64_t in = 0;
};

/// Puts the weights of one input channel to output channels that follow each other in one block,
/// from `place` on; `out_channels` and `in_channels` as they were made with.
void put(std::int64_t block, std::int64_t out_channels, std::int64_t in_channels,
         const WeightPlace& place, std::span<const float> values, ProductWeights& weights);

/// Where the weight from input channel `in` to output channel `out` stands in one matrix of
/// ProductWeights::floats.
std::size_t packed_index(std::int64_t block, std::int64_t out, std::int64_t in,
                         std::int64_t out_channels, std::int64_t in_channels);

}  // namespace retinaface::runtime::kernels
