#pragma once

#include "runtime/kernels/map.h"
#include "runtime/kernels/pointwise.h"

namespace retinaface::runtime::kernels {

/// Depthwise 3x3 convolution, padding 1, stride 1 or 2. Channels are a multiple of B.
struct Depthwise {
  const Kernels* kernels = nullptr;
  std::int64_t channels = 0;
  std::int64_t stride = 1;
  AlignedBuffer<float> weight;  ///< by block: 9 x B
  Epilogue epilogue;
};

/// `weight` is (channels, 1, 3, 3).
Depthwise make_depthwise(const Kernels& kernels, const graph::Tensor& weight, std::int64_t stride,
                         Epilogue epilogue);

/// A depthwise and a pointwise convolution as one: rows of the inner map live in the cache only.
/// Of the result these rows, with which `out` begins.
void run(const Depthwise& depthwise, const Pointwise& pointwise, const Map& in,
         const BlockPointers& out, const RowRange& rows, float* scratch);
/// All of it.
void run(const Depthwise& depthwise, const Pointwise& pointwise, const Map& in,
         const BlockPointers& out, float* scratch);
/// How many rows it works on at once, for which it is fastest.
std::int64_t rows_at_once(const Depthwise& depthwise, std::int64_t in_width);
std::size_t scratch_floats(const Depthwise& depthwise, std::int64_t in_width);

}  // namespace retinaface::runtime::kernels
