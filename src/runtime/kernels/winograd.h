#pragma once

#include <array>

#include "runtime/kernels/map.h"

namespace retinaface::runtime::kernels {

/// 3x3 convolution, stride 1, padding 1, by Winograd's algorithm F(4x4, 3x3) (Lavin and Gray 2016):
/// a quarter of the products. Out channels that do not fill a block are filled up with zeros.
struct Winograd {
  const Kernels* kernels = nullptr;
  std::int64_t in_channels = 0;   ///< whole blocks
  std::int64_t out_channels = 0;  ///< whole blocks
  AlignedBuffer<float> weight;    ///< transformed; by 36 positions as Pointwise::weight
  Epilogue epilogue;
};

/// Winograd's transform of 3 weights, with the points 0, 1, -1, 2, -2 and infinity: G.
inline constexpr double kWinogradG[6][3] = {{1.0 / 4, 0, 0},
                                            {-1.0 / 6, -1.0 / 6, -1.0 / 6},
                                            {-1.0 / 6, 1.0 / 6, -1.0 / 6},
                                            {1.0 / 24, 1.0 / 12, 1.0 / 6},
                                            {1.0 / 24, -1.0 / 12, 1.0 / 6},
                                            {0, 0, 1}};

/// `weight` is (out, in, 3, 3).
Winograd make_winograd(const Kernels& kernels, const graph::Tensor& weight, Epilogue epilogue);

void run(const Winograd& layer, const Map& in, const BlockPointers& out, float* scratch);
std::size_t scratch_floats(const Winograd& layer);

}  // namespace retinaface::runtime::kernels
