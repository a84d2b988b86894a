#include "runtime/kernels/kernels.h"

#include <vector>

// Compiled once for each instruction set.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "runtime/kernels/kernels.cc"
#include "base/simd.h"
#undef HWY_DISABLED_TARGETS  // SSE4 is a column here
#define HWY_DISABLED_TARGETS (HWY_SSSE3 | HWY_AVX3_DL | RF_HWY_SVE)
// foreach_target.h comes before what it compiles several times.
#include <hwy/foreach_target.h>

#if HWY_TARGET != HWY_SCALAR  // which is no set of vectors
#include "runtime/kernels/deformable-inl.h"
#include "runtime/kernels/dense-inl.h"
#include "runtime/kernels/gemm-inl.h"
#include "runtime/kernels/gemm_bfloat16-inl.h"
#include "runtime/kernels/gemm_words-inl.h"
#include "runtime/kernels/separable-inl.h"
#include "runtime/kernels/stem-inl.h"
#include "runtime/kernels/upsample-inl.h"
#include "runtime/kernels/winograd-inl.h"
#endif
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace retinaface::runtime::kernels::HWY_NAMESPACE {
#if HWY_TARGET != HWY_SCALAR

/// Of the instruction set that this is compiled for.
inline Kernels compiled_kernels() {
  Kernels k;
  k.block = kBlock;
  k.has_word_products = RF_HAS_WORD_PRODUCTS;
  k.pointwise = [](const Pointwise& layer, const Map& in, const BlockPointers& out,
                   const Addend& addend) {
    multiply_layer(layer, {in.data, in.block_stride}, in.height * in.width, out, addend);
  };
  k.dense = &dense;
  k.dense_floats = &dense_floats;
  k.separable = &separable;
  k.separable_floats = &separable_floats;
  k.separable_rows = [](const Depthwise& depthwise, std::int64_t in_width) {
    return strip_rows((in_width - 1) / depthwise.stride + 1, depthwise.channels);
  };
  k.winograd = [](const Winograd& layer, const Map& in, const BlockPointers& out,
                  const RowRange& rows, const Addend& addend, float* scratch) {
    winograd(layer, in, out, addend, {.first_row = rows.begin}, tiles_of(rows.begin, in.width),
             tiles_of(rows.end, in.width), scratch);
  };
  k.winograd_tiles = kTiles;
  k.winograd_floats = &winograd_floats;
  k.deformable = &deformable;
  k.deformable_floats = &deformable_floats;
  k.stem = &stem;
  k.stem_floats = [](const Stem&, std::int64_t in_width) {
    return static_cast<std::size_t>(StemRows(in_width).floats());
  };
  k.add_upsampled = &upsample;
  return k;
}

#endif
}  // namespace retinaface::runtime::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE

namespace retinaface::runtime::kernels {
namespace {

Kernels named(Kernels kernels, const char* name, SimdLevel level,
              graph::DataType type = graph::DataType::kFloat32) {
  kernels.name = name;
  kernels.level = level;
  kernels.type = type;
  return kernels;
}

/// All that are compiled, best first.
std::span<const Kernels> compiled() {
  static const Kernels kAll[] = {
#if defined(__x86_64__)
    named(N_AVX3::compiled_kernels(), "avx512", SimdLevel::kAvx512),
    named(N_AVX3::compiled_kernels(), "avx512-bf16", SimdLevel::kAvx512,
          graph::DataType::kBFloat16),
    named(N_AVX2::compiled_kernels(), "avx2", SimdLevel::kAvx2),
    named(N_SSE4::compiled_kernels(), "sse4", SimdLevel::kBaseline),
#elif HWY_STATIC_TARGET == HWY_NEON
    named(HWY_STATIC_DISPATCH(compiled_kernels)(), "neon", SimdLevel::kBaseline),
#endif
  };
  return kAll;
}

/// What the level alone does not say: baseline is all of x86-64, SSE4 is not.
bool runs_here(const Kernels& kernels) {
#if defined(__x86_64__)
  if (kernels.level == SimdLevel::kBaseline) {
    return __builtin_cpu_supports("sse4.2") && __builtin_cpu_supports("aes") &&
           __builtin_cpu_supports("pclmul");
  }
#endif
  if (kernels.type == graph::DataType::kBFloat16 && !has_bfloat16_products()) return false;
  return kernels.level <= simd_level();
}

std::vector<const Kernels*> those_of(graph::DataType type) {
  std::vector<const Kernels*> result;
  for (const Kernels& kernels : compiled()) {
    if (kernels.type == type && runs_here(kernels)) result.push_back(&kernels);
  }
  return result;
}

}  // namespace

std::span<const Kernels* const> available(graph::DataType type) {
  static const std::vector<const Kernels*> floats = those_of(graph::DataType::kFloat32);
  static const std::vector<const Kernels*> bfloats = those_of(graph::DataType::kBFloat16);
  return type == graph::DataType::kBFloat16 ? bfloats : floats;
}

const Kernels* best(graph::DataType type) {
  return available(type).empty() ? nullptr : available(type).front();
}

}  // namespace retinaface::runtime::kernels

#endif  // HWY_ONCE
