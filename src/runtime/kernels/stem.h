#pragma once

#include "runtime/kernels/map.h"

namespace retinaface::runtime::kernels {

/// The first three layers of MobileNet-0.25 as one: a 3x3 stride 2 convolution of 3 planes to 8
/// channels, a depthwise 3x3 on those, a 1x1 to `out_channels`, which is a multiple of B.
struct Stem {
  const Kernels* kernels = nullptr;
  std::int64_t out_channels = 0;
  AlignedBuffer<float> first_weight;      ///< 27 x 8: plane, row, column, channel
  AlignedBuffer<float> depthwise_weight;  ///< 8 x 9
  AlignedBuffer<float> pointwise_weight;  ///< by out block: 8 x B
  Epilogue first;
  Epilogue depthwise;
  Epilogue pointwise;
};

inline constexpr std::int64_t kStemChannels = 8;

/// Weights are (8, 3, 3, 3), (8, 1, 3, 3) and (out, 8, 1, 1).
Stem make_stem(const Kernels& kernels, const graph::Tensor& first, Epilogue first_epilogue,
               const graph::Tensor& depthwise, Epilogue depthwise_epilogue,
               const graph::Tensor& pointwise, Epilogue pointwise_epilogue);

/// `in` is planar: 3 planes of height x width.
void run(const Stem& layer, const Map& in, const BlockPointers& out, float* scratch);
std::size_t scratch_floats(const Stem& layer, std::int64_t in_width);

}  // namespace retinaface::runtime::kernels
