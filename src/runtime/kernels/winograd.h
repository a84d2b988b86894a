#pragma once

#include <array>
#include <cstdint>

#include "graph/calibration.h"
#include "runtime/kernels/map.h"
#include "runtime/kernels/product_weights.h"

namespace retinaface::runtime::kernels {

/// Weights as 16-bit whole numbers, for processors that sum products of two such in one instruction
/// and have none that sums those of four bytes. What they are multiplied with is such, too, and the
/// sums, of 32 bits, are exact.
struct Words {
  /// By position, as ProductWeights::pairs.
  AlignedBuffer<std::uint32_t> weights;
  /// By input channel, what a transformed input is multiplied with before it is rounded.
  AlignedBuffer<float> input_scale;
  /// By position and output channel, what a sum is multiplied with.
  AlignedBuffer<float> sum_scale;
};

/// 3x3 convolution, stride 1, padding 1, by Winograd's algorithm F(4x4, 3x3) (Lavin and Gray 2016):
/// a quarter of the products. Out channels that do not fill a block are filled up with zeros.
struct Winograd {
  const Kernels* kernels = nullptr;
  std::int64_t in_channels = 0;   ///< whole blocks
  std::int64_t out_channels = 0;  ///< whole blocks
  ProductWeights weights;         ///< transformed: of 36 positions
  Epilogue epilogue;
  Words words{};  ///< in place of weights, where there are any
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
inline constexpr std::int64_t kMaxWordInputs = 1024;
/// The same by Words, of kernels that have them (Kernels::has_word_products), for at most so many
/// inputs that are what `input` can say; others are held to that. Inputs beyond its channels, which
/// fill up the last block, are 0.
Winograd make_word_winograd(const Kernels& kernels, const graph::Tensor& weight, Epilogue epilogue,
                            const graph::ByteCode& input);

void run(const Winograd& layer, const Map& in, const BlockPointers& out, float* scratch,
         const Addend& addend = {});
/// Some rows of the result: from a multiple of 4 on, to another or the last one. `out` and `addend`
/// are of the first of them; `in` may be a ring.
void run(const Winograd& layer, const Map& in, const BlockPointers& out, const RowRange& rows,
         float* scratch, const Addend& addend = {});
/// So many that hardly less is done at once than of the whole map.
std::int64_t rows_at_once(const Winograd& layer, std::int64_t width);
std::size_t scratch_floats(const Winograd& layer);

}  // namespace retinaface::runtime::kernels
