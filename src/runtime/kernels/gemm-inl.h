// The inner loop that all kernels share. Included once for each instruction set.

#if defined(RETINAFACE_RUNTIME_KERNELS_GEMM_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef RETINAFACE_RUNTIME_KERNELS_GEMM_INL_H_
#undef RETINAFACE_RUNTIME_KERNELS_GEMM_INL_H_
#else
#define RETINAFACE_RUNTIME_KERNELS_GEMM_INL_H_
#endif

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <type_traits>

#include <hwy/highway.h>

#include "runtime/kernels/map.h"
#include "runtime/kernels/pieces.h"
#include "runtime/kernels/pointwise.h"

HWY_BEFORE_NAMESPACE();
namespace retinaface::runtime::kernels::HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

using FloatTag = hn::ScalableTag<float>;
using Vector = hn::Vec<FloatTag>;
inline constexpr std::int64_t kBlock = static_cast<std::int64_t>(hn::MaxLanes(FloatTag()));
/// Cells whose sums are kept in registers at once, for two blocks of channels: of 32 registers
/// where there are as many, else of 16.
inline constexpr bool kManyRegisters = HWY_TARGET == HWY_AVX3 || HWY_TARGET == HWY_NEON;
inline constexpr int kCells = kManyRegisters ? 12 : 5;

/// How the input of a product lies in memory, in floats, and how it is multiplied; the same of
/// bfloat16 is PairRows (gemm_bfloat16-inl.h), of whole numbers WordRows (gemm_words-inl.h).
struct Rows {
  using Weight = float;
  using Sum = Vector;
  static constexpr std::int64_t kValues = kBlock;  ///< of a block of channels of one cell

  const float* data;
  std::int64_t block_stride;  ///< from one block of channels to the next

  /// From a cell on, for the outputs from a channel on.
  Rows part(std::int64_t cell, std::int64_t) const { return {data + cell * kValues, block_stride}; }
  /// What a sum stands for, of block b of the outputs.
  HWY_INLINE Vector value_of(Vector sum, std::int64_t) const { return sum; }

  static HWY_INLINE Sum start(const float* bias) {
    return bias != nullptr ? hn::Load(FloatTag(), bias) : hn::Zero(FloatTag());
  }
  /// A value of all channels, one cell's, for the product with as many weights.
  static HWY_INLINE Vector broadcast(float value) { return hn::Set(FloatTag(), value); }
  static HWY_INLINE Vector load_weight(const float* weight) { return hn::Load(FloatTag(), weight); }
  static HWY_INLINE Vector add_products(Vector sum, Vector value, Vector weight) {
    return hn::MulAdd(value, weight, sum);
  }
  /// A block of channels of one cell, to an input.
  static HWY_INLINE void store(Vector value, float* to) { hn::Store(value, FloatTag(), to); }
  /// What is stored of it: floats have no scale.
  static HWY_INLINE Vector scaled(Vector value, const float*) { return value; }
};

/// Where the blocks of a product go that lie one after the other: what BlockPointers are to others.
struct StridedPlanes {
  static constexpr bool streams = false;
  float* data;
  std::int64_t stride;
  float* at(std::int64_t b) const { return data + b * stride; }
  StridedPlanes behind(std::int64_t floats) const { return {data + floats, stride}; }
};

HWY_INLINE void put(Vector value, float* to, bool streams) {
  if (streams) {
    hn::Stream(value, FloatTag(), to);
  } else {
    hn::Store(value, FloatTag(), to);
  }
}

HWY_INLINE Vector activate(Vector sum, const float* slope) {
  const auto negative = hn::Lt(sum, hn::Zero(FloatTag()));
  return hn::IfThenElse(negative, hn::Mul(sum, hn::Load(FloatTag(), slope)), sum);
}

/// For `kCount` cells and `kBlocks` blocks of output channels: out = in * weight, plus addend,
/// where that is not null, and plus bias and activation where there is a bias. `weight` has kBlocks
/// * B values an input channel, or pair; addend blocks are `addend.block_stride` apart.
template <int kCount, int kBlocks, typename In>
HWY_INLINE void multiply_cells(const In& in, std::int64_t in_channels,
                               const typename In::Weight* weight, const float* bias,
                               const float* slope, const Addend& addend, float* const* out,
                               bool streams) {
  const FloatTag d;
  typename In::Sum sums[kCount][kBlocks];
#pragma GCC unroll 16
  for (int cell = 0; cell < kCount; ++cell) {
#pragma GCC unroll 2
    for (int b = 0; b < kBlocks; ++b) {
      sums[cell][b] = In::start(bias != nullptr ? bias + b * kBlock : nullptr);
    }
  }
  for (std::int64_t first = 0; first < in_channels; first += kBlock) {
    const auto* from = in.data + first / kBlock * in.block_stride;
    for (std::int64_t c = 0; c < In::kValues; ++c) {
      decltype(In::load_weight(weight)) w[kBlocks];
#pragma GCC unroll 2
      for (int b = 0; b < kBlocks; ++b) w[b] = In::load_weight(weight + b * kBlock);
      weight += kBlocks * kBlock;
#pragma GCC unroll 16
      for (int cell = 0; cell < kCount; ++cell) {
        const auto value = In::broadcast(from[cell * In::kValues + c]);
#pragma GCC unroll 2
        for (int b = 0; b < kBlocks; ++b) {
          sums[cell][b] = In::add_products(sums[cell][b], value, w[b]);
        }
      }
    }
  }
  const auto store = [&](auto adds) HWY_ATTR {
#pragma GCC unroll 2
    for (int b = 0; b < kBlocks; ++b) {
#pragma GCC unroll 16
      for (int cell = 0; cell < kCount; ++cell) {
        Vector y = in.value_of(sums[cell][b], b);
        if constexpr (adds) {
          const float* const more = addend.data + b * addend.block_stride + cell * kBlock;
          y = hn::Add(y, hn::Load(d, more));
        }
        if (bias != nullptr) y = activate(y, slope + b * kBlock);
        put(y, out[b] + cell * kBlock, streams);
      }
    }
  };
  if (addend.data != nullptr) {
    store(std::true_type());
  } else {
    store(std::false_type());
  }
}

/// The same for any count up to kCells.
template <int kBlocks, typename In, int kCount = kCells>
HWY_INLINE void multiply_rest(std::int64_t count, const In& in, std::int64_t in_channels,
                              const typename In::Weight* weight, const float* bias,
                              const float* slope, const Addend& addend, float* const* out,
                              bool streams) {
  if constexpr (kCount > 0) {
    if (count == kCount) {
      multiply_cells<kCount, kBlocks>(in, in_channels, weight, bias, slope, addend, out, streams);
    } else {
      multiply_rest<kBlocks, In, kCount - 1>(count, in, in_channels, weight, bias, slope, addend,
                                             out, streams);
    }
  }
}

/// So many cells in pieces of about one size, so that none is much too short.
using CellPieces = Pieces<kCells>;

/// out = in * weight for `cells` cells in a row, all output blocks; see Pointwise for the weights.
/// Goes over the weights once, over the cells for each pair of output blocks: for as many cells as
/// the cache holds.
template <typename In, typename Planes>
inline void multiply_strip(const In& in, std::int64_t cells, std::int64_t in_channels,
                           std::int64_t out_channels, const typename In::Weight* weight,
                           const float* bias, const float* slope, const Planes& out,
                           const Addend& addend = {}) {
  for (std::int64_t first = 0; first < out_channels; first += 2 * kBlock) {
    const std::int64_t b = first / kBlock;
    const float* const pair_bias = bias != nullptr ? bias + first : nullptr;
    CellPieces pieces(cells);
    for (std::int64_t cell = 0; cell < cells;) {
      const std::int64_t count = pieces.next();
      const In piece = in.part(cell, first);
      const Addend more = addend.behind(b * addend.block_stride + cell * kBlock);
      if (first + kBlock < out_channels) {
        float* const targets[2] = {out.at(b) + cell * kBlock, out.at(b + 1) + cell * kBlock};
        multiply_rest<2>(count, piece, in_channels, weight, pair_bias, slope + first, more, targets,
                         out.streams);
      } else {
        float* const targets[1] = {out.at(b) + cell * kBlock};
        multiply_rest<1>(count, piece, in_channels, weight, pair_bias, slope + first, more, targets,
                         out.streams);
      }
      cell += count;
    }
    weight += 2 * In::kValues * in_channels;
  }
}

/// The same, over the cells once, over the weights for each few of them.
template <typename In, typename Planes>
inline void multiply(const In& in, std::int64_t cells, std::int64_t in_channels,
                     std::int64_t out_channels, const typename In::Weight* weight,
                     const float* bias, const float* slope, const Planes& out,
                     const Addend& addend = {}) {
  CellPieces pieces(cells);
  for (std::int64_t cell = 0; cell < cells;) {
    const std::int64_t count = pieces.next();
    multiply_strip(in.part(cell, 0), count, in_channels, out_channels, weight, bias, slope,
                   out.behind(cell * kBlock), addend.behind(cell * kBlock));
    cell += count;
  }
}

}  // namespace retinaface::runtime::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
