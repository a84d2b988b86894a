#include "runtime/kernels/product_weights.h"

#include <algorithm>

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

ProductWeights make_product_weights(const Kernels& kernels, std::int64_t matrices,
                                    std::int64_t out_channels, std::int64_t in_channels) {
  const auto size = static_cast<std::size_t>(matrices * out_channels * in_channels);
  ProductWeights weights;
  if (kernels.type == graph::DataType::kBFloat16) {
    weights.pairs = AlignedBuffer<std::uint32_t>(size / 2);
    std::ranges::fill(weights.pairs, 0U);
  } else {
    weights.floats = AlignedBuffer<float>(size);
  }
  return weights;
}

void put(std::int64_t block, std::int64_t out_channels, std::int64_t in_channels,
         const WeightPlace& place, std::span<const float> values, ProductWeights& weights) {
  const auto matrix = static_cast<std::size_t>(place.matrix * out_channels * in_channels);
  if (weights.pairs.empty()) {
    std::ranges::copy(values,
                      weights.floats.data() + matrix +
                          packed_index(block, place.out, place.in, out_channels, in_channels));
    return;
  }
  std::uint32_t* pair = weights.pairs.data() + matrix / 2 +
                        packed_index(block, place.out, place.in / 2, out_channels, in_channels / 2);
  const int shift = place.in % 2 == 0 ? 0 : 16;
  for (const float value : values) {
    *pair++ |= static_cast<std::uint32_t>(bfloat16_from_float(value)) << shift;
  }
}

}  // namespace retinaface::runtime::kernels
