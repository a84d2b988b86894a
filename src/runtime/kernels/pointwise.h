#pragma once

#include "runtime/kernels/map.h"
#include "runtime/kernels/product_weights.h"

namespace retinaface::runtime::kernels {

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

void run(const Pointwise& layer, const Map& in, const BlockPointers& out);

}  // namespace retinaface::runtime::kernels
