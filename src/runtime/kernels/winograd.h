#pragma once

#include <array>

#include "runtime/kernels/map.h"
#include "runtime/kernels/product_weights.h"

namespace retinaface::runtime::kernels {

/// 3x3 convolution, stride 1, padding 1, by Winograd's algorithm F(4x4, 3x3) (Lavin and Gray 2016):
/// a quarter of the products. Out channels that do not fill a block are filled up with zeros.
struct Winograd {
  const Kernels* kernels = nullptr;
  std::int64_t in_channels = 0;   ///< whole blocks
  std::int64_t out_channels = 0;  ///< whole blocks
  ProductWeights weights;         ///< transformed: of 36 positions
  Epilogue epilogue;
};

/// The points that the algorithm interpolates at are 0, a, -a, b, -b and infinity. These make sums
/// of rounded products half as inexact as the usual 1 and 2: near to reciprocals of each other
/// (Barabasz et al. 2020, Error analysis and improving the accuracy of Winograd convolution for
/// deep neural networks), and with powers that floats hold exactly.
inline constexpr double kNear = 11.0 / 16;  // a
inline constexpr double kFar = 3.0 / 2;     // b
inline constexpr double kNear2 = kNear * kNear;
inline constexpr double kFar2 = kFar * kFar;

/// The transform of 3 weights at a point p: (1, p, p^2) by the product of its distances from the
/// others.
struct WeightRow {
  double of[3];
  constexpr WeightRow(double point, double distances)
      : of{1 / distances, point / distances, point * point / distances} {}
  constexpr double operator[](std::size_t i) const { return of[i]; }
};
inline constexpr WeightRow kAtInfinity = [] {
  WeightRow row(0, 1);
  row.of[0] = 0;
  row.of[2] = 1;
  return row;
}();
/// G, its rows times a or b, by which the products' transform A^T divides its columns: so one of
/// its sums needs no factors.
inline constexpr WeightRow kWinogradG[6] = {{0, kNear2* kFar2},
                                            {kNear, 2 * kNear*(kNear2 - kFar2)},
                                            {-kNear, 2 * kNear*(kNear2 - kFar2)},
                                            {kFar, 2 * kFar*(kFar2 - kNear2)},
                                            {-kFar, 2 * kFar*(kFar2 - kNear2)},
                                            kAtInfinity};

/// `weight` is (out, in, 3, 3).
Winograd make_winograd(const Kernels& kernels, const graph::Tensor& weight, Epilogue epilogue);

void run(const Winograd& layer, const Map& in, const BlockPointers& out, float* scratch,
         const Addend& addend = {});
std::size_t scratch_floats(const Winograd& layer);

}  // namespace retinaface::runtime::kernels
