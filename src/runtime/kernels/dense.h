#pragma once

#include "runtime/kernels/map.h"
#include "runtime/kernels/product_weights.h"

namespace retinaface::runtime::kernels {

/// Convolution of any size and stride as a product of patches with the weights (im2col): for what
/// Pointwise and Winograd do not cover. Channels that do not fill a block are filled up with zeros.
struct Dense {
  const Kernels* kernels = nullptr;
  std::int64_t in_channels = 0;   ///< whole blocks
  std::int64_t out_channels = 0;  ///< whole blocks
  std::int64_t kernel = 1;
  std::int64_t stride = 1;
  std::int64_t padding = 0;
  ProductWeights weights;  ///< inputs by block, tap, channel of it
  Epilogue epilogue;
};

/// `weight` is (out, in, kernel, kernel).
Dense make_dense(const Kernels& kernels, const graph::Tensor& weight, std::int64_t stride,
                 std::int64_t padding, Epilogue epilogue);

void run(const Dense& layer, const Map& in, const BlockPointers& out, float* scratch,
         const Addend& addend = {});
std::size_t scratch_floats(const Dense& layer);

}  // namespace retinaface::runtime::kernels
