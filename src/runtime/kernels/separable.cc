#include "runtime/kernels/separable.h"

#include "base/check.h"
#include "runtime/kernels/kernels.h"

namespace retinaface::runtime::kernels {

Depthwise make_depthwise(const Kernels& kernels, const graph::Tensor& weight, std::int64_t stride,
                         Epilogue epilogue) {
  const std::int64_t channels = weight.shape[0];
  const std::int64_t block = kernels.block;
  RF_CHECK(channels % block == 0 && (stride == 1 || stride == 2));
  Depthwise layer{&kernels, channels, stride,
                  AlignedBuffer<float>(static_cast<std::size_t>(channels * 9)),
                  std::move(epilogue)};
  const float* from = weight.values().data();
  for (std::int64_t c = 0; c < channels; ++c) {
    for (std::int64_t tap = 0; tap < 9; ++tap) {
      layer.weight[static_cast<std::size_t>((c / block * 9 + tap) * block + c % block)] = *from++;
    }
  }
  return layer;
}

void run(const Depthwise& depthwise, const Pointwise& pointwise, const Map& in,
         const BlockPointers& out, const RowRange& rows, float* scratch) {
  depthwise.kernels->separable(depthwise, pointwise, in, out, rows, scratch);
}

void run(const Depthwise& depthwise, const Pointwise& pointwise, const Map& in,
         const BlockPointers& out, float* scratch) {
  run(depthwise, pointwise, in, out, {0, (in.height - 1) / depthwise.stride + 1}, scratch);
}

std::int64_t rows_at_once(const Depthwise& depthwise, std::int64_t in_width) {
  return depthwise.kernels->separable_rows(depthwise, in_width);
}

std::size_t scratch_floats(const Depthwise& depthwise, std::int64_t in_width) {
  return depthwise.kernels->separable_floats(depthwise, in_width);
}

}  // namespace retinaface::runtime::kernels
