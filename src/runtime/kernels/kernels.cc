#include "runtime/kernels/kernels.h"

#include "base/check.h"

// Compiled once for each instruction set; the best one is chosen when the program runs.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "runtime/kernels/kernels.cc"
#include "base/simd.h"
// foreach_target.h comes before what it compiles several times.
#include <hwy/foreach_target.h>

#if HWY_TARGET == HWY_AVX3 || HWY_TARGET == HWY_AVX2
#include "runtime/kernels/deformable-inl.h"
#include "runtime/kernels/depthwise-inl.h"
#include "runtime/kernels/gemm-inl.h"
#include "runtime/kernels/stem-inl.h"
#include "runtime/kernels/winograd-inl.h"
#include "runtime/kernels/winograd_gradient-inl.h"
#endif
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace retinaface::runtime::kernels::HWY_NAMESPACE {

#if HWY_TARGET == HWY_AVX3 || HWY_TARGET == HWY_AVX2

void run_pointwise(const Pointwise& layer, const Map& in, const BlockPointers& out) {
  multiply({in.data, in.block_stride}, in.height * in.width, layer.in_channels, layer.out_channels,
           layer.weight.data(), layer.epilogue.bias.data(), layer.epilogue.slope.data(),
           out.data());
}

void run_separable(const Depthwise& depthwise, const Pointwise& pointwise, const Map& in,
                   const BlockPointers& out, float* scratch) {
  separable(depthwise, pointwise, in, out, scratch);
}

std::size_t separable_scratch(const Depthwise& depthwise, std::int64_t in_width) {
  const std::int64_t out_width = (in_width - 1) / depthwise.stride + 1;
  return static_cast<std::size_t>(strip_rows(out_width, depthwise.channels) * out_width *
                                  depthwise.channels);
}

void run_winograd(const Winograd& layer, const Map& in, const BlockPointers& out, float* scratch) {
  winograd(layer, in, out, {}, 0, tiles_of(in.height, in.width), scratch);
}

std::size_t winograd_scratch(const Winograd& layer) {
  return static_cast<std::size_t>(36 * kTiles * (layer.in_channels + layer.out_channels));
}

void run_winograd_batch(const Winograd& layer, const Batch& in, const Batch& out,
                        std::int64_t begin, std::int64_t end, float* scratch) {
  winograd_batch(layer, in, out, begin, end, scratch);
}

void run_transform(const WinogradGradient& sums, const Batch& in, const Batch& gradient,
                   std::int64_t first, std::int64_t begin, std::int64_t end) {
  transform_tiles(sums, in, gradient, first, begin, end);
}

void run_add_products(const WinogradGradient& sums, std::int64_t in_channels,
                      std::int64_t out_channels, std::int64_t count, std::int64_t position) {
  add_position(sums, in_channels, out_channels, count, position);
}

std::size_t gradient_floats(std::int64_t tiles, std::int64_t channels) {
  return static_cast<std::size_t>(36 * position_stride(tiles * channels));
}

void run_deformable(const Deformable& layer, const Map& in, const Map& offsets,
                    const BlockPointers& out, float* scratch) {
  deformable(layer, in, offsets, out, scratch);
}

std::size_t deformable_scratch(const Deformable& layer) {
  return static_cast<std::size_t>(deformable_floats(layer));
}

void run_stem(const Stem& layer, const Map& in, const BlockPointers& out, float* scratch) {
  stem(layer, in, out, scratch);
}

std::size_t stem_scratch(std::int64_t in_width) {
  return static_cast<std::size_t>(StemRows(in_width).floats());
}

void run_add_upsampled(const Map& source, const Map& target, std::int64_t blocks) {
  const FloatTag d;
  for (std::int64_t b = 0; b < blocks; ++b) {
    for (std::int64_t y = 0; y < target.height; ++y) {
      const float* const from = source.data + b * source.block_stride +
                                y * source.height / target.height * source.width * kBlock;
      float* const to = target.data + b * target.block_stride + y * target.width * kBlock;
      for (std::int64_t x = 0; x < target.width; ++x) {
        const std::int64_t source_x = x * source.width / target.width;
        hn::Store(hn::Add(hn::Load(d, to + x * kBlock), hn::Load(d, from + source_x * kBlock)), d,
                  to + x * kBlock);
      }
    }
  }
}

#else  // block() is 0: nothing of this is called.

void run_pointwise(const Pointwise&, const Map&, const BlockPointers&) {
  RF_CHECK(false);
}
void run_separable(const Depthwise&, const Pointwise&, const Map&, const BlockPointers&, float*) {
  RF_CHECK(false);
}
std::size_t separable_scratch(const Depthwise&, std::int64_t) {
  return 0;
}
void run_winograd(const Winograd&, const Map&, const BlockPointers&, float*) {
  RF_CHECK(false);
}
std::size_t winograd_scratch(const Winograd&) {
  return 0;
}
void run_winograd_batch(const Winograd&, const Batch&, const Batch&, std::int64_t, std::int64_t,
                        float*) {
  RF_CHECK(false);
}
void run_transform(const WinogradGradient&, const Batch&, const Batch&, std::int64_t, std::int64_t,
                   std::int64_t) {
  RF_CHECK(false);
}
void run_add_products(const WinogradGradient&, std::int64_t, std::int64_t, std::int64_t,
                      std::int64_t) {
  RF_CHECK(false);
}
std::size_t gradient_floats(std::int64_t, std::int64_t) {
  return 0;
}
void run_deformable(const Deformable&, const Map&, const Map&, const BlockPointers&, float*) {
  RF_CHECK(false);
}
std::size_t deformable_scratch(const Deformable&) {
  return 0;
}
void run_stem(const Stem&, const Map&, const BlockPointers&, float*) {
  RF_CHECK(false);
}
std::size_t stem_scratch(std::int64_t) {
  return 0;
}
void run_add_upsampled(const Map&, const Map&, std::int64_t) {
  RF_CHECK(false);
}

#endif

}  // namespace retinaface::runtime::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE

namespace retinaface::runtime::kernels {

std::int64_t block() {
  switch (simd_level()) {
    case SimdLevel::kAvx512:
      return 16;
    case SimdLevel::kAvx2:
      return 8;
    case SimdLevel::kBaseline:
      break;
  }
  return 0;
}

void run(const Pointwise& layer, const Map& in, const BlockPointers& out) {
  RF_SIMD_VARIANT(run_pointwise)(layer, in, out);
}

void run(const Depthwise& depthwise, const Pointwise& pointwise, const Map& in,
         const BlockPointers& out, float* scratch) {
  RF_SIMD_VARIANT(run_separable)(depthwise, pointwise, in, out, scratch);
}

std::size_t scratch_floats(const Depthwise& depthwise, std::int64_t in_width) {
  return RF_SIMD_VARIANT(separable_scratch)(depthwise, in_width);
}

void run(const Winograd& layer, const Map& in, const BlockPointers& out, float* scratch) {
  RF_SIMD_VARIANT(run_winograd)(layer, in, out, scratch);
}

std::size_t scratch_floats(const Winograd& layer) {
  return RF_SIMD_VARIANT(winograd_scratch)(layer);
}

std::int64_t winograd_tiles(const Batch& batch) {
  return batch.images * ((batch.height + 3) / 4) * ((batch.width + 3) / 4);
}

void run(const Winograd& layer, const Batch& in, const Batch& out, std::int64_t begin,
         std::int64_t end, float* scratch) {
  RF_SIMD_VARIANT(run_winograd_batch)(layer, in, out, begin, end, scratch);
}

void transform(const WinogradGradient& sums, const Batch& in, const Batch& gradient,
               std::int64_t first, std::int64_t begin, std::int64_t end) {
  RF_SIMD_VARIANT(run_transform)(sums, in, gradient, first, begin, end);
}

void add_products(const WinogradGradient& sums, std::int64_t in_channels, std::int64_t out_channels,
                  std::int64_t count, std::int64_t position) {
  RF_SIMD_VARIANT(run_add_products)(sums, in_channels, out_channels, count, position);
}

std::size_t winograd_gradient_floats(std::int64_t tiles, std::int64_t channels) {
  return RF_SIMD_VARIANT(gradient_floats)(tiles, channels);
}

void run(const Deformable& layer, const Map& in, const Map& offsets, const BlockPointers& out,
         float* scratch) {
  RF_SIMD_VARIANT(run_deformable)(layer, in, offsets, out, scratch);
}

std::size_t scratch_floats(const Deformable& layer) {
  return RF_SIMD_VARIANT(deformable_scratch)(layer);
}

void run(const Stem& layer, const Map& in, const BlockPointers& out, float* scratch) {
  RF_SIMD_VARIANT(run_stem)(layer, in, out, scratch);
}

std::size_t scratch_floats(const Stem&, std::int64_t in_width) {
  return RF_SIMD_VARIANT(stem_scratch)(in_width);
}

void add_upsampled(const Map& source, const Map& target, std::int64_t blocks) {
  RF_SIMD_VARIANT(run_add_upsampled)(source, target, blocks);
}

}  // namespace retinaface::runtime::kernels

#endif  // HWY_ONCE
