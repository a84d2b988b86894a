#pragma once

#include "runtime/kernels/map.h"

namespace retinaface::runtime::kernels {

/// Deformable convolution (graph::DeformableConvolution) of any size and stride. Channels that do
/// not fill a block are filled up with zeros.
struct Deformable {
  const Kernels* kernels = nullptr;
  std::int64_t in_channels = 0;   ///< whole blocks
  std::int64_t out_channels = 0;  ///< whole blocks
  std::int64_t kernel = 3;
  std::int64_t stride = 1;
  std::int64_t padding = 1;
  AlignedBuffer<float>
      weight;  ///< as ProductWeights::floats, inputs by block, point, channel of it
  Epilogue epilogue;
};

/// `weight` is (out, in, kernel, kernel).
Deformable make_deformable(const Kernels& kernels, const graph::Tensor& weight, std::int64_t stride,
                           std::int64_t padding, Epilogue epilogue);

/// The result has the height and width of `offsets`.
void run(const Deformable& layer, const Map& in, const Map& offsets, const BlockPointers& out,
         float* scratch);
std::size_t scratch_floats(const Deformable& layer);

}  // namespace retinaface::runtime::kernels
