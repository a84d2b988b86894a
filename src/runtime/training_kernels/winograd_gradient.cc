#include "runtime/training_kernels/winograd_gradient.h"

#include "base/check.h"

// Compiled once for each instruction set, as kernels/kernels.cc is.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "runtime/training_kernels/winograd_gradient.cc"
#include "base/simd.h"
#undef HWY_DISABLED_TARGETS  // SSE4 is a column here
#define HWY_DISABLED_TARGETS (HWY_SSSE3 | HWY_AVX3_DL | RF_HWY_SVE)
// foreach_target.h comes before what it compiles several times.
#include <hwy/foreach_target.h>

#if HWY_TARGET != HWY_SCALAR  // which is no set of vectors
#include "runtime/training_kernels/winograd_gradient-inl.h"
#endif
#include <hwy/highway.h>

#ifndef RETINAFACE_RUNTIME_TRAINING_KERNELS_TABLE_
#define RETINAFACE_RUNTIME_TRAINING_KERNELS_TABLE_
namespace retinaface::runtime::training_kernels {

/// A column of the table: the functions of winograd_gradient.h on one instruction set.
struct Column {
  SimdLevel level = SimdLevel::kBaseline;
  void (*winograd_batch)(const Winograd&, const Batch& in, const Batch& out, std::int64_t begin,
                         std::int64_t end, float* scratch) = nullptr;
  void (*transform)(const WinogradGradient&, const Batch& in, const Batch& gradient,
                    std::int64_t first, std::int64_t begin, std::int64_t end) = nullptr;
  void (*add_products)(const WinogradGradient&, std::int64_t in_channels, std::int64_t out_channels,
                       std::int64_t count, std::int64_t position) = nullptr;
  std::size_t (*gradient_floats)(std::int64_t tiles, std::int64_t channels) = nullptr;
};

}  // namespace retinaface::runtime::training_kernels
#endif

HWY_BEFORE_NAMESPACE();
namespace retinaface::runtime::training_kernels::HWY_NAMESPACE {
#if HWY_TARGET != HWY_SCALAR

inline Column compiled_column(SimdLevel level) {
  return {level, &winograd_batch, &transform_tiles, &add_position, &gradient_floats};
}

#endif
}  // namespace retinaface::runtime::training_kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE

namespace retinaface::runtime::training_kernels {
namespace {

const Column& of(const Kernels& kernels) {
  static const Column kAll[] = {
#if defined(__x86_64__)
    N_AVX3::compiled_column(SimdLevel::kAvx512),
    N_AVX2::compiled_column(SimdLevel::kAvx2),
    N_SSE4::compiled_column(SimdLevel::kBaseline),
#elif HWY_STATIC_TARGET == HWY_NEON
    HWY_STATIC_DISPATCH(compiled_column)(SimdLevel::kBaseline),
#endif
  };
  for (const Column& column : kAll) {
    if (column.level == kernels.level) return column;
  }
  RF_CHECK(false);
}

}  // namespace

std::int64_t winograd_tiles(const Batch& batch) {
  return batch.images * ((batch.height + 3) / 4) * ((batch.width + 3) / 4);
}

void run(const Winograd& layer, const Batch& in, const Batch& out, std::int64_t begin,
         std::int64_t end, float* scratch) {
  of(*layer.kernels).winograd_batch(layer, in, out, begin, end, scratch);
}

std::size_t winograd_gradient_floats(const Kernels& kernels, std::int64_t tiles,
                                     std::int64_t channels) {
  return of(kernels).gradient_floats(tiles, channels);
}

void transform(const Kernels& kernels, const WinogradGradient& sums, const Batch& in,
               const Batch& gradient, std::int64_t first, std::int64_t begin, std::int64_t end) {
  of(kernels).transform(sums, in, gradient, first, begin, end);
}

void add_products(const Kernels& kernels, const WinogradGradient& sums, std::int64_t in_channels,
                  std::int64_t out_channels, std::int64_t count, std::int64_t position) {
  of(kernels).add_products(sums, in_channels, out_channels, count, position);
}

void finish(const WinogradGradient& sums, std::int64_t in_channels, std::int64_t out_channels,
            std::int64_t begin, std::int64_t end, float* weight_gradient) {
  for (std::int64_t o = begin; o < end; ++o) {
    for (std::int64_t i = 0; i < in_channels; ++i) {
      const float* const sum = sums.sums + o * in_channels + i;
      double rows[3][6] = {};  // of G^T m
      for (std::size_t p = 0; p < 6; ++p) {
        for (std::size_t j = 0; j < 6; ++j) {
          const double m = sum[static_cast<std::int64_t>(6 * p + j) * out_channels * in_channels];
          for (std::size_t y = 0; y < 3; ++y) rows[y][j] += kernels::kWinogradG[p][y] * m;
        }
      }
      float* const to = weight_gradient + (o * in_channels + i) * 9;
      for (std::size_t y = 0; y < 3; ++y) {
        for (std::size_t x = 0; x < 3; ++x) {
          double value = 0;
          for (std::size_t j = 0; j < 6; ++j) value += rows[y][j] * kernels::kWinogradG[j][x];
          to[3 * y + x] = static_cast<float>(value);
        }
      }
    }
  }
}

}  // namespace retinaface::runtime::training_kernels

#endif  // HWY_ONCE
