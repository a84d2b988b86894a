#pragma once

#include "runtime/kernels/map.h"

namespace retinaface::runtime::kernels {

/// 1x1 convolution, stride 1. In and out channels are multiples of B.
struct Pointwise {
  const Kernels* kernels = nullptr;
  std::int64_t in_channels = 0;
  std::int64_t out_channels = 0;
  /// By pair of out blocks: in_channels x 2B (the last may be single).
  AlignedBuffer<float> weight;
  /// In its place, of bfloat16 kernels: two in channels' bfloat16 in one, the even one's in its
  /// lower half; in_channels / 2 x 2B.
  AlignedBuffer<std::uint32_t> pairs;
  Epilogue epilogue;
};

/// `weight` is (out, in, 1, 1).
Pointwise make_pointwise(const Kernels& kernels, const graph::Tensor& weight, Epilogue epilogue);

void run(const Pointwise& layer, const Map& in, const BlockPointers& out);

/// Where the weight from input channel `in` to output channel `out` stands in Pointwise::weight.
std::size_t packed_index(std::int64_t block, std::int64_t out, std::int64_t in,
                         std::int64_t out_channels, std::int64_t in_channels);

/// Whether the kernels multiply bfloat16 where there are so many in channels.
bool takes_pairs(const Kernels& kernels, std::int64_t in_channels);

/// Puts the weight from `in` to `out` where it stands in Pointwise::pairs.
void put_pair(std::int64_t block, std::int64_t out, std::int64_t in, std::int64_t out_channels,
              std::int64_t in_channels, float weight, std::uint32_t* pairs);

}  // namespace retinaface::runtime::kernels
