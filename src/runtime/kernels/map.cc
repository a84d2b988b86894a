#include "runtime/kernels/map.h"

#include <algorithm>

#include "base/check.h"
#include "runtime/kernels/kernels.h"

namespace retinaface::runtime::kernels {

Epilogue make_epilogue(const Kernels& kernels, const graph::Tensor& bias, float slope) {
  return make_epilogue(kernels, bias, std::vector<float>(bias.size(), slope));
}

Epilogue make_epilogue(const Kernels& kernels, const graph::Tensor& bias,
                       std::span<const float> slopes) {
  RF_CHECK(slopes.size() == bias.size());
  const std::int64_t blocks = (bias.shape[0] + kernels.block - 1) / kernels.block;
  const auto channels = static_cast<std::size_t>(blocks * kernels.block);
  Epilogue epilogue{AlignedBuffer<float>(channels), AlignedBuffer<float>(channels)};
  std::ranges::fill(epilogue.bias, 0.0F);
  std::ranges::copy(bias.values(), epilogue.bias.begin());
  std::ranges::fill(epilogue.slope, 1.0F);
  std::ranges::copy(slopes, epilogue.slope.begin());
  return epilogue;
}

Epilogue joined(const Epilogue& first, const Epilogue& second) {
  const auto join = [](const AlignedBuffer<float>& a, const AlignedBuffer<float>& b) {
    AlignedBuffer<float> both(a.size() + b.size());
    std::ranges::copy(b, std::ranges::copy(a, both.begin()).out);
    return both;
  };
  return {join(first.bias, second.bias), join(first.slope, second.slope)};
}

}  // namespace retinaface::runtime::kernels
