#include "runtime/kernels/pointwise.h"

#include <algorithm>

#include "base/check.h"
#include "base/half.h"
#include "runtime/kernels/kernels.h"

namespace retinaface::runtime::kernels {

std::size_t packed_index(std::int64_t block, std::int64_t out, std::int64_t in,
                         std::int64_t out_channels, std::int64_t in_channels) {
  const std::int64_t pair = 2 * block;
  const std::int64_t first = out / pair * pair;
  const std::int64_t width = std::min(pair, out_channels - first);
  return static_cast<std::size_t>(first * in_channels + in * width + out - first);
}

bool takes_pairs(const Kernels& kernels, std::int64_t in_channels) {
  return kernels.type == graph::DataType::kBFloat16 && in_channels <= kMostPairedChannels;
}

void put_pair(std::int64_t block, std::int64_t out, std::int64_t in, std::int64_t out_channels,
              std::int64_t in_channels, float weight, std::uint32_t* pairs) {
  std::uint32_t& pair = pairs[packed_index(block, out, in / 2, out_channels, in_channels / 2)];
  const std::uint32_t bits = bfloat16_from_float(weight);
  pair = in % 2 == 0 ? (pair & 0xFFFF0000U) | bits : (pair & 0xFFFFU) | bits << 16;
}

Pointwise make_pointwise(const Kernels& kernels, const graph::Tensor& weight, Epilogue epilogue) {
  const std::int64_t out = weight.shape[0];
  const std::int64_t in = weight.shape[1];
  RF_CHECK(out % kernels.block == 0 && in % kernels.block == 0);
  Pointwise layer{.kernels = &kernels,
                  .in_channels = in,
                  .out_channels = out,
                  .weight = {},
                  .pairs = {},
                  .epilogue = std::move(epilogue)};
  const bool in_pairs = takes_pairs(kernels, in);
  if (in_pairs) {
    layer.pairs = AlignedBuffer<std::uint32_t>(static_cast<std::size_t>(out * in / 2));
    std::ranges::fill(layer.pairs, 0U);
  } else {
    layer.weight = AlignedBuffer<float>(static_cast<std::size_t>(out * in));
  }
  const float* from = weight.values().data();
  for (std::int64_t o = 0; o < out; ++o) {
    for (std::int64_t i = 0; i < in; ++i, ++from) {
      if (in_pairs) {
        put_pair(kernels.block, o, i, out, in, *from, layer.pairs.data());
      } else {
        layer.weight[packed_index(kernels.block, o, i, out, in)] = *from;
      }
    }
  }
  return layer;
}

void run(const Pointwise& layer, const Map& in, const BlockPointers& out) {
  layer.kernels->pointwise(layer, in, out);
}

}  // namespace retinaface::runtime::kernels
