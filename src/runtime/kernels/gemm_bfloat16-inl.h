// What products in bfloat16 need of an instruction set, and the choice between them and those in
// float32. Included once for each instruction set.

#if defined(RETINAFACE_RUNTIME_KERNELS_GEMM_BFLOAT16_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef RETINAFACE_RUNTIME_KERNELS_GEMM_BFLOAT16_INL_H_
#undef RETINAFACE_RUNTIME_KERNELS_GEMM_BFLOAT16_INL_H_
#else
#define RETINAFACE_RUNTIME_KERNELS_GEMM_BFLOAT16_INL_H_
#endif

#include <cstdint>

#include <hwy/highway.h>

#include "runtime/kernels/gemm-inl.h"
#include "runtime/kernels/map.h"
#include "runtime/kernels/pointwise.h"
#include "runtime/kernels/product_weights.h"

HWY_BEFORE_NAMESPACE();
namespace retinaface::runtime::kernels::HWY_NAMESPACE {

#if HWY_TARGET == HWY_AVX3
/// Rows of bfloat16, two channels in one. Highway 1.0.3 has no operators for AVX512-BF16. In
/// assembly, since the functions around are compiled for all processors with AVX-512; only those
/// with it get layers of pairs (kernels.cc).
struct PairRows {
  using Weight = std::uint32_t;
  using Sum = Vector;
  using Tag = hn::Repartition<std::uint32_t, FloatTag>;
  using Pairs = hn::Vec<Tag>;
  static constexpr std::int64_t kValues = kBlock / 2;

  const std::uint32_t* data;
  std::int64_t block_stride;

  PairRows part(std::int64_t cell, std::int64_t) const {
    return {data + cell * kValues, block_stride};
  }
  HWY_INLINE Vector value_of(Vector sum, std::int64_t) const { return sum; }

  static HWY_INLINE Sum start(const float* bias) { return Rows::start(bias); }
  static HWY_INLINE Pairs broadcast(std::uint32_t value) { return hn::Set(Tag(), value); }
  static HWY_INLINE Pairs load_weight(const std::uint32_t* weight) {
    return hn::Load(Tag(), weight);
  }
  static HWY_INLINE Vector add_products(Vector sum, Pairs value, Pairs weight) {
    asm("vdpbf16ps %2, %1, %0" : "+v"(sum.raw) : "v"(value.raw), "v"(weight.raw));
    return sum;
  }
  static HWY_INLINE Vector scaled(Vector value, const float*) { return value; }
  /// Rounded to bfloat16, as kBlock / 2 pairs.
  static HWY_INLINE void store(Vector value, std::uint32_t* to) {
    __m256i pairs;
    asm("vcvtneps2bf16 %1, %t0" : "=v"(pairs) : "v"(value.raw));
    _mm256_store_si256(reinterpret_cast<__m256i*>(to), pairs);
  }
};
#endif

/// Calls work(In(), weights) with what the weights are: Rows and floats, or PairRows and pairs.
template <typename Work>
HWY_INLINE void with_weights(const ProductWeights& weights, const Work& work) {
#if HWY_TARGET == HWY_AVX3
  if (!weights.pairs.empty()) {
    work(PairRows(), weights.pairs.data());
    return;
  }
#endif
  work(Rows(), weights.floats.data());
}

/// multiply() by a layer's weights; where they are pairs, the input is rounded to such on the way.
template <typename Planes>
inline void multiply_layer(const Pointwise& layer, const Rows& in, std::int64_t cells,
                           const Planes& out, const Addend& addend) {
  const float* const bias = layer.epilogue.bias.data();
  const float* const slope = layer.epilogue.slope.data();
#if HWY_TARGET == HWY_AVX3
  if (!layer.weights.pairs.empty()) {
    constexpr std::int64_t kPairs = PairRows::kValues;
    alignas(64) std::uint32_t rounded[kCells * kMaxPairedChannels / 2];
    CellPieces pieces(cells);
    for (std::int64_t cell = 0; cell < cells;) {
      const std::int64_t count = pieces.next();
      for (std::int64_t b = 0; b < layer.in_channels / kBlock; ++b) {
        const float* const from = in.data + b * in.block_stride + cell * kBlock;
        for (std::int64_t i = 0; i < count; ++i) {
          PairRows::store(hn::Load(FloatTag(), from + i * kBlock),
                          rounded + (b * kCells + i) * kPairs);
        }
      }
      multiply_strip(PairRows{rounded, kCells * kPairs}, count, layer.in_channels,
                     layer.out_channels, layer.weights.pairs.data(), bias, slope,
                     out.behind(cell * kBlock), addend.behind(cell * kBlock));
      cell += count;
    }
    return;
  }
#endif
  multiply(in, cells, layer.in_channels, layer.out_channels, layer.weights.floats.data(), bias,
           slope, out, addend);
}

}  // namespace retinaface::runtime::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
