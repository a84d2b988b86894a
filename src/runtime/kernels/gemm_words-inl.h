// Products of 16-bit whole numbers. Included once for each instruction set.

#if defined(RETINAFACE_RUNTIME_KERNELS_GEMM_WORDS_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef RETINAFACE_RUNTIME_KERNELS_GEMM_WORDS_INL_H_
#undef RETINAFACE_RUNTIME_KERNELS_GEMM_WORDS_INL_H_
#else
#define RETINAFACE_RUNTIME_KERNELS_GEMM_WORDS_INL_H_
#endif

#include <cstdint>

#include <hwy/highway.h>

#include "runtime/kernels/gemm-inl.h"

// What Highway has of x86's vpmaddwd.
#undef RF_HAS_WORD_PRODUCTS
#define RF_HAS_WORD_PRODUCTS (HWY_TARGET == HWY_AVX2 || HWY_TARGET == HWY_AVX3)

HWY_BEFORE_NAMESPACE();
namespace retinaface::runtime::kernels::HWY_NAMESPACE {

#if RF_HAS_WORD_PRODUCTS
/// Rows of 16-bit whole numbers, two channels in one; sums are exact (Words::sum_scale).
struct WordRows {
  using Weight = std::uint32_t;
  using SumTag = hn::Repartition<std::int32_t, FloatTag>;
  using Sum = hn::Vec<SumTag>;
  using WordTag = hn::Repartition<std::int16_t, FloatTag>;
  using PairTag = hn::Repartition<std::uint32_t, FloatTag>;
  using Pairs = hn::Vec<WordTag>;
  static constexpr std::int64_t kValues = kBlock / 2;

  const std::uint32_t* data;
  std::int64_t block_stride;
  const float* sum_scale;  ///< by output channel

  WordRows part(std::int64_t cell, std::int64_t out_channel) const {
    return {data + cell * kValues, block_stride, sum_scale + out_channel};
  }
  HWY_INLINE Vector value_of(Sum sum, std::int64_t b) const {
    return hn::Mul(hn::ConvertTo(FloatTag(), sum), hn::Load(FloatTag(), sum_scale + b * kBlock));
  }

  /// Without a bias, which is added to what the sums stand for.
  static HWY_INLINE Sum start(const float*) { return hn::Zero(SumTag()); }
  static HWY_INLINE Pairs broadcast(std::uint32_t value) {
    return hn::BitCast(WordTag(), hn::Set(PairTag(), value));
  }
  static HWY_INLINE Pairs load_weight(const std::uint32_t* weight) {
    return hn::BitCast(WordTag(), hn::Load(PairTag(), weight));
  }
  static HWY_INLINE Sum add_products(Sum sum, Pairs value, Pairs weight) {
    Sum unused = hn::Zero(SumTag());
    sum = hn::ReorderWidenMulAccumulate(SumTag(), value, weight, sum, unused);
    // Whole numbers may be added in any order: compilers choose one that no registers hold.
    asm("" : "+v"(sum.raw));
    return sum;
  }
  static HWY_INLINE Vector scaled(Vector value, const float* scale) {
    return hn::Mul(value, hn::Load(FloatTag(), scale));
  }
  /// Rounded, and held to 16 bits.
  static HWY_INLINE void store(Vector value, std::uint32_t* to) {
    const hn::Rebind<std::int16_t, FloatTag> halves;
    hn::Store(hn::DemoteTo(halves, hn::NearestInt(value)), halves,
              reinterpret_cast<std::int16_t*>(to));
  }
};
#endif

}  // namespace retinaface::runtime::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
