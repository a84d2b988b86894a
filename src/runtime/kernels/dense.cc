#include "runtime/kernels/dense.h"

#include <algorithm>
#include <span>
#include <utility>

#include "runtime/kernels/kernels.h"

namespace retinaface::runtime::kernels {

Dense make_dense(const Kernels& kernels, const graph::Tensor& weight, std::int64_t stride,
                 std::int64_t padding, Epilogue epilogue) {
  const std::int64_t block = kernels.block;
  const auto padded = [&](std::int64_t channels) { return (channels + block - 1) / block * block; };
  const std::int64_t kernel = weight.shape[2];
  const std::int64_t taps = kernel * kernel;
  const std::int64_t out = padded(weight.shape[0]);
  const std::int64_t in = padded(weight.shape[1]);
  Dense layer{&kernels,
              in,
              out,
              kernel,
              stride,
              padding,
              make_product_weights(kernels, 1, out, in * taps),
              std::move(epilogue)};
  std::ranges::fill(layer.weights.floats, 0.0F);
  const std::span<const float> values = weight.values();
  std::size_t next = 0;
  for (std::int64_t o = 0; o < weight.shape[0]; ++o) {
    for (std::int64_t i = 0; i < weight.shape[1]; ++i) {
      for (std::int64_t tap = 0; tap < taps; ++tap) {
        const std::int64_t row = (i / block * taps + tap) * block + i % block;
        put(block, out, in * taps, {.out = o, .in = row}, values.subspan(next++, 1), layer.weights);
      }
    }
  }
  return layer;
}

void run(const Dense& layer, const Map& in, const BlockPointers& out, float* scratch,
         const Addend& addend) {
  layer.kernels->dense(layer, in, out, addend, scratch);
}

std::size_t scratch_floats(const Dense& layer) {
  return layer.kernels->dense_floats(layer);
}

}  // namespace retinaface::runtime::kernels
