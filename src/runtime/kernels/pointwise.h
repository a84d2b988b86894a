#pragma once

#include "runtime/kernels/map.h"
#include "runtime/kernels/product_weights.h"

namespace retinaface::runtime::kernels {

/// In channels of a Pointwise that is multiplied in bfloat16 at most: what is rounded at once has
/// to stay in the first cache. Dense takes more.
inline constexpr std::int64_t kMaxPairedChannels = 512;

/// 1x1 convolution, stride 1. In and out channels are multiples of B.
struct Pointwise {
  const Kernels* kernels = nullptr;
  std::int64_t in_channels = 0;
  std::int64_t out_channels = 0;
  ProductWeights weights;
  Epilogue epilogue;
};

/// `weight` is (out, in, 1, 1).
Pointwise make_pointwise(const Kernels& kernels, const graph::Tensor& weight, Epilogue epilogue);

void run(const Pointwise& layer, const Map& in, const BlockPointers& out,
         const Addend& addend = {});

}  // namespace retinaface::runtime::kernels
