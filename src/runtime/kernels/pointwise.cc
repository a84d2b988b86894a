#include "runtime/kernels/pointwise.h"

#include <algorithm>

#include "base/check.h"
#include "runtime/kernels/kernels.h"

namespace retinaface::runtime::kernels {

std::size_t packed_index(std::int64_t block, std::int64_t out, std::int64_t in,
                         std::int64_t out_channels, std::int64_t in_channels) {
  const std::int64_t pair = 2 * block;
  const std::int64_t first = out / pair * pair;
  const std::int64_t width = std::min(pair, out_channels - first);
  return static_cast<std::size_t>(first * in_channels + in * width + out - first);
}

Pointwise make_pointwise(const Kernels& kernels, const graph::Tensor& weight, Epilogue epilogue) {
  const std::int64_t out = weight.shape[0];
  const std::int64_t in = weight.shape[1];
  RF_CHECK(out % kernels.block == 0 && in % kernels.block == 0);
  Pointwise layer{&kernels, in, out, AlignedBuffer<float>(static_cast<std::size_t>(out * in)),
                  std::move(epilogue)};
  const float* from = weight.values().data();
  for (std::int64_t o = 0; o < out; ++o) {
    for (std::int64_t i = 0; i < in; ++i) {
      layer.weight[packed_index(kernels.block, o, i, out, in)] = *from++;
    }
  }
  return layer;
}

void run(const Pointwise& layer, const Map& in, const BlockPointers& out) {
  layer.kernels->pointwise(layer, in, out);
}

}  // namespace retinaface::runtime::kernels
