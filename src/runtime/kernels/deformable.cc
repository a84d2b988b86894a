#include "runtime/kernels/deformable.h"

#include <algorithm>

#include "runtime/kernels/kernels.h"
#include "runtime/kernels/product_weights.h"

namespace retinaface::runtime::kernels {

Deformable make_deformable(const Kernels& kernels, const graph::Tensor& weight, std::int64_t stride,
                           std::int64_t padding, Epilogue epilogue) {
  const std::int64_t block = kernels.block;
  const auto padded = [&](std::int64_t channels) { return (channels + block - 1) / block * block; };
  const std::int64_t points = weight.shape[2] * weight.shape[3];
  const std::int64_t out = padded(weight.shape[0]);
  const std::int64_t in = padded(weight.shape[1]);
  Deformable layer{&kernels,
                   in,
                   out,
                   weight.shape[2],
                   stride,
                   padding,
                   AlignedBuffer<float>(static_cast<std::size_t>(out * in * points)),
                   std::move(epilogue)};
  std::ranges::fill(layer.weight, 0.0F);
  const float* from = weight.values().data();
  for (std::int64_t o = 0; o < weight.shape[0]; ++o) {
    for (std::int64_t i = 0; i < weight.shape[1]; ++i) {
      for (std::int64_t point = 0; point < points; ++point) {
        const std::int64_t row = (i / block * points + point) * block + i % block;
        layer.weight[packed_index(block, o, row, out, in * points)] = *from++;
      }
    }
  }
  return layer;
}

void run(const Deformable& layer, const Map& in, const Map& offsets, const BlockPointers& out,
         float* scratch) {
  layer.kernels->deformable(layer, in, offsets, out, scratch);
}

std::size_t scratch_floats(const Deformable& layer) {
  return layer.kernels->deformable_floats(layer);
}

}  // namespace retinaface::runtime::kernels
