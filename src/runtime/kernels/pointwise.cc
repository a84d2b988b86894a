#include "runtime/kernels/pointwise.h"

#include <span>

#include "base/check.h"
#include "runtime/kernels/kernels.h"

namespace retinaface::runtime::kernels {

Pointwise make_pointwise(const Kernels& kernels, const graph::Tensor& weight, Epilogue epilogue) {
  const std::int64_t out = weight.shape[0];
  const std::int64_t in = weight.shape[1];
  RF_CHECK(out % kernels.block == 0 && in % kernels.block == 0);
  Pointwise layer{&kernels, in, out, make_product_weights(kernels, 1, out, in),
                  std::move(epilogue)};
  const std::span<const float> values = weight.values();
  for (std::int64_t o = 0; o < out; ++o) {
    for (std::int64_t i = 0; i < in; ++i) {
      put(kernels.block, out, in, {.out = o, .in = i},
          values.subspan(static_cast<std::size_t>(o * in + i), 1), layer.weights);
    }
  }
  return layer;
}

void run(const Pointwise& layer, const Map& in, const BlockPointers& out, const Addend& addend) {
  layer.kernels->pointwise(layer, in, out, addend);
}

}  // namespace retinaface::runtime::kernels
