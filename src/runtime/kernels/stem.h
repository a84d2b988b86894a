#pragma once

#include "image/pixel_source.h"
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

/// What a network's first layers read: three planes of height x width, or an image of pixels that
/// is not larger, beyond which all is 0.
struct StemInput {
  std::int64_t height = 0;
  std::int64_t width = 0;
  const float* planes = nullptr;
  const PixelSource* pixels = nullptr;  ///< where `planes` is null
};

/// Of the result these rows, with which `out` begins. Rows are to be asked for in order, from row 0
/// on: what the next ones need is kept in `scratch`.
void run(const Stem& layer, const StemInput& in, const BlockPointers& out, const RowRange& rows,
         float* scratch);
/// All of it.
void run(const Stem& layer, const StemInput& in, const BlockPointers& out, float* scratch);
std::size_t scratch_floats(const Stem& layer, std::int64_t in_width);

}  // namespace retinaface::runtime::kernels
