#include "runtime/kernels/stem.h"

#include <algorithm>

#include "base/check.h"
#include "runtime/kernels/kernels.h"

namespace retinaface::runtime::kernels {

Stem make_stem(const Kernels& kernels, const graph::Tensor& first, Epilogue first_epilogue,
               const graph::Tensor& depthwise, Epilogue depthwise_epilogue,
               const graph::Tensor& pointwise, Epilogue pointwise_epilogue) {
  const std::int64_t block = kernels.block;
  const std::int64_t out = pointwise.shape[0];
  RF_CHECK(out % block == 0 && first.shape[0] == kStemChannels);
  Stem layer{&kernels,
             out,
             AlignedBuffer<float>(static_cast<std::size_t>(27 * kStemChannels)),
             AlignedBuffer<float>(static_cast<std::size_t>(9 * kStemChannels)),
             AlignedBuffer<float>(static_cast<std::size_t>(kStemChannels * out)),
             std::move(first_epilogue),
             std::move(depthwise_epilogue),
             std::move(pointwise_epilogue)};
  const float* from = first.values().data();
  for (std::int64_t c = 0; c < kStemChannels; ++c) {
    for (std::int64_t tap = 0; tap < 27; ++tap) {
      layer.first_weight[static_cast<std::size_t>(tap * kStemChannels + c)] = *from++;
    }
  }
  std::ranges::copy(depthwise.values(), layer.depthwise_weight.begin());
  from = pointwise.values().data();
  for (std::int64_t o = 0; o < out; ++o) {
    for (std::int64_t i = 0; i < kStemChannels; ++i) {
      const std::int64_t at = (o / block * kStemChannels + i) * block + o % block;
      layer.pointwise_weight[static_cast<std::size_t>(at)] = *from++;
    }
  }
  return layer;
}

void run(const Stem& layer, const StemInput& in, const BlockPointers& out, const RowRange& rows,
         float* scratch) {
  layer.kernels->stem(layer, in, out, rows, scratch);
}

void run(const Stem& layer, const StemInput& in, const BlockPointers& out, float* scratch) {
  run(layer, in, out, {0, (in.height + 1) / 2}, scratch);
}

std::size_t scratch_floats(const Stem& layer, std::int64_t in_width) {
  return layer.kernels->stem_floats(layer, in_width);
}

}  // namespace retinaface::runtime::kernels
