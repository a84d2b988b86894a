// 3x3 convolution by Winograd's F(4x4, 3x3). Included once for each instruction set.

#if defined(RETINAFACE_RUNTIME_KERNELS_WINOGRAD_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef RETINAFACE_RUNTIME_KERNELS_WINOGRAD_INL_H_
#undef RETINAFACE_RUNTIME_KERNELS_WINOGRAD_INL_H_
#else
#define RETINAFACE_RUNTIME_KERNELS_WINOGRAD_INL_H_
#endif

#include "runtime/kernels/gemm-inl.h"
#include "runtime/kernels/gemm_bfloat16-inl.h"
#include "runtime/kernels/gemm_words-inl.h"
#include "runtime/kernels/winograd.h"

HWY_BEFORE_NAMESPACE();
namespace retinaface::runtime::kernels::HWY_NAMESPACE {

HWY_INLINE Vector constant(double value) {
  return hn::Set(FloatTag(), static_cast<float>(value));
}

/// B^T d: six values in, six out.
HWY_INLINE void transform_input(const Vector* d, Vector* t) {
  const Vector near = constant(kNear);
  const Vector far = constant(kFar);
  const Vector near2 = constant(kNear2);
  const Vector far2 = constant(kFar2);
  const Vector sum2 = constant(kNear2 + kFar2);
  const Vector product2 = constant(kNear2 * kFar2);
  const Vector d42 = hn::NegMulAdd(far2, d[2], d[4]);   // d4 - b^2 d2
  const Vector d31 = hn::NegMulAdd(far2, d[1], d[3]);   // d3 - b^2 d1
  const Vector e42 = hn::NegMulAdd(near2, d[2], d[4]);  // d4 - a^2 d2
  const Vector e31 = hn::NegMulAdd(near2, d[1], d[3]);  // d3 - a^2 d1
  t[0] = hn::MulAdd(product2, d[0], hn::NegMulAdd(sum2, d[2], d[4]));
  t[1] = hn::MulAdd(near, d31, d42);
  t[2] = hn::NegMulAdd(near, d31, d42);
  t[3] = hn::MulAdd(far, e31, e42);
  t[4] = hn::NegMulAdd(far, e31, e42);
  t[5] = hn::MulAdd(product2, d[1], hn::NegMulAdd(sum2, d[3], d[5]));
}

/// A^T m: six values in, four out.
HWY_INLINE void transform_output(const Vector* m, Vector* s) {
  const Vector sum12 = hn::Add(m[1], m[2]);
  const Vector difference12 = hn::Sub(m[1], m[2]);
  const Vector sum34 = hn::Add(m[3], m[4]);
  const Vector difference34 = hn::Sub(m[3], m[4]);
  s[0] = hn::MulAdd(constant(1 / kNear), sum12, hn::MulAdd(constant(1 / kFar), sum34, m[0]));
  s[1] = hn::Add(difference12, difference34);
  s[2] = hn::MulAdd(constant(kFar), sum34, hn::Mul(constant(kNear), sum12));
  s[3] =
      hn::MulAdd(constant(kFar2), difference34, hn::MulAdd(constant(kNear2), difference12, m[5]));
}

/// One block of the 6x6 input cells around output tile (y, x), transformed, to `out` + position *
/// position_stride, an input of `In`. Neighbouring cells of the plane are `cell` floats apart.
/// `scale` as Words::input_scale, of this block.
template <typename In>
HWY_INLINE void input_tile(const Map& in, const float* plane, std::int64_t cell, std::int64_t y,
                           std::int64_t x, const float* scale, typename In::Weight* out,
                           std::int64_t position_stride) {
  const FloatTag tag;
  Vector columns[6][6];  // [column][row after B^T]
  const bool inside = y >= 1 && y + 5 <= in.height && x >= 1 && x + 5 <= in.width;
  std::int64_t rows[6];
  std::int64_t place = in.place_of(y - 1);
  for (std::int64_t& row : rows) {
    row = place * in.width;
    if (++place == in.ring_rows) place = 0;  // never where there is no ring
  }
  for (int j = 0; j < 6; ++j) {
    Vector d[6];
#pragma GCC unroll 6
    for (int i = 0; i < 6; ++i) {
      const std::int64_t in_y = y - 1 + i;
      const std::int64_t in_x = x - 1 + j;
      const bool here = inside || (in_y >= 0 && in_y < in.height && in_x >= 0 && in_x < in.width);
      d[i] = here ? hn::Load(tag, plane + (rows[i] + in_x) * cell) : hn::Zero(tag);
    }
    transform_input(d, columns[j]);
  }
  for (int i = 0; i < 6; ++i) {
    Vector row[6];
    Vector t[6];
#pragma GCC unroll 6
    for (int j = 0; j < 6; ++j) row[j] = columns[j][i];
    transform_input(row, t);
#pragma GCC unroll 6
    for (int j = 0; j < 6; ++j) {
      In::store(In::scaled(t[j], scale), out + (6 * i + j) * position_stride);
    }
  }
}

/// One block of output tile (y, x) from the 36 products at `in` + position * position_stride, to a
/// plane of the map's rows from `first_row` on whose neighbouring cells are `cell` floats apart;
/// `addend`, a plane of the same kind, may be null.
HWY_INLINE void output_tile(const float* in, std::int64_t position_stride, const Map& map,
                            float* plane, std::int64_t cell, std::int64_t first_row, std::int64_t y,
                            std::int64_t x, const float* bias, const float* slope,
                            const float* addend, bool streams) {
  const FloatTag tag;
  Vector columns[6][4];
  for (int j = 0; j < 6; ++j) {
    Vector m[6];
#pragma GCC unroll 6
    for (int i = 0; i < 6; ++i) m[i] = hn::Load(tag, in + (6 * i + j) * position_stride);
    transform_output(m, columns[j]);
  }
  const Vector b = hn::Load(tag, bias);
  const std::int64_t rows = std::min<std::int64_t>(4, map.height - y);
  const std::int64_t cells = std::min<std::int64_t>(4, map.width - x);
  for (std::int64_t i = 0; i < rows; ++i) {
    Vector row[6];
    Vector s[4];
#pragma GCC unroll 6
    for (int j = 0; j < 6; ++j) row[j] = columns[j][i];
    transform_output(row, s);
    const std::int64_t first = ((y + i - first_row) * map.width + x) * cell;
#pragma GCC unroll 4
    for (int j = 0; j < 4; ++j) {
      if (j >= cells) break;
      const std::int64_t at = first + j * cell;
      Vector sum = hn::Add(s[j], b);
      if (addend != nullptr) sum = hn::Add(sum, hn::Load(tag, addend + at));
      put(activate(sum, slope), plane + at, streams);
    }
  }
}

/// Tiles worked on at once.
inline constexpr std::int64_t kTiles = 3 * kCells;

inline std::int64_t tiles_of(std::int64_t height, std::int64_t width) {
  return (height + 3) / 4 * ((width + 3) / 4);
}

inline std::size_t winograd_floats(const Winograd& layer) {
  return static_cast<std::size_t>(36 * kTiles * (layer.in_channels + layer.out_channels));
}

/// How the maps lie in memory.
struct Layout {
  /// How many floats neighbouring cells are apart: a block where blocks are planes of their own,
  /// all channels where they are adjacent.
  std::int64_t in_cell = kBlock;
  std::int64_t out_cell = kBlock;
  std::int64_t first_row = 0;  ///< of the result that `out` and the addend begin with
};

/// The transformed input of one position.
template <typename In>
HWY_INLINE In input_of([[maybe_unused]] const Winograd& layer,
                       [[maybe_unused]] std::int64_t position, const typename In::Weight* data,
                       std::int64_t block_stride) {
#if RF_HAS_WORD_PRODUCTS
  if constexpr (std::is_same_v<In, WordRows>) {
    return {data, block_stride, layer.words.sum_scale.data() + position * layer.out_channels};
  } else
#endif
  {
    return {data, block_stride};
  }
}

/// Tiles [begin, end) of the result, in the order of rows; products of `In`, by 36 positions of
/// weights.
template <typename In, typename Planes>
inline void winograd_by(const typename In::Weight* weights, const Winograd& layer, const Map& in,
                        const Planes& out, const Addend& addend, const Layout& layout,
                        std::int64_t begin, std::int64_t end, float* scratch) {
  const std::int64_t tiles_x = (in.width + 3) / 4;
  const std::int64_t in_blocks = layer.in_channels / kBlock;
  const std::int64_t out_blocks = layer.out_channels / kBlock;
  // [position][block][tile][B], before and after the products.
  const std::int64_t in_block = kTiles * In::kValues;
  const std::int64_t in_stride = in_blocks * in_block;
  const std::int64_t tile_block = kTiles * kBlock;
  const std::int64_t out_stride = out_blocks * tile_block;
  auto* const transformed = reinterpret_cast<typename In::Weight*>(scratch);
  float* const products = scratch + 36 * in_blocks * tile_block;

  for (std::int64_t first = begin; first < end;) {
    const typename In::Weight* weight = weights;
    const std::int64_t pieces = (end - first + kTiles - 1) / kTiles;
    const std::int64_t count = (end - first + pieces - 1) / pieces;
    for (std::int64_t b = 0; b < in_blocks; ++b) {
      const float* const plane = in.data + b * in.block_stride;
      const float* const scale =
          layer.words.input_scale.empty() ? nullptr : layer.words.input_scale.data() + b * kBlock;
      for (std::int64_t t = 0; t < count; ++t) {
        input_tile<In>(in, plane, layout.in_cell, (first + t) / tiles_x * 4,
                       (first + t) % tiles_x * 4, scale,
                       transformed + b * in_block + t * In::kValues, in_stride);
      }
    }
    for (std::int64_t position = 0; position < 36; ++position) {
      multiply(input_of<In>(layer, position, transformed + position * in_stride, in_block), count,
               layer.in_channels, layer.out_channels, weight, nullptr, layer.epilogue.slope.data(),
               StridedPlanes{products + position * out_stride, tile_block});
      weight += layer.out_channels * in_blocks * In::kValues;
    }
    for (std::int64_t b = 0; b < out_blocks; ++b) {
      const float* const more = addend.behind(b * addend.block_stride).data;
      for (std::int64_t t = 0; t < count; ++t) {
        output_tile(products + b * tile_block + t * kBlock, out_stride, in, out.at(b),
                    layout.out_cell, layout.first_row, (first + t) / tiles_x * 4,
                    (first + t) % tiles_x * 4, layer.epilogue.bias.data() + b * kBlock,
                    layer.epilogue.slope.data() + b * kBlock, more, out.streams);
      }
    }
    first += count;
  }
}

/// The same by the layer's weights, whatever they are.
template <typename Planes>
inline void winograd(const Winograd& layer, const Map& in, const Planes& out, const Addend& addend,
                     const Layout& layout, std::int64_t begin, std::int64_t end, float* scratch) {
#if RF_HAS_WORD_PRODUCTS
  if (!layer.words.weights.empty()) {
    winograd_by<WordRows>(layer.words.weights.data(), layer, in, out, addend, layout, begin, end,
                          scratch);
    return;
  }
#endif
  with_weights(layer.weights, [&](auto rows, const auto* weights) HWY_ATTR {
    winograd_by<decltype(rows)>(weights, layer, in, out, addend, layout, begin, end, scratch);
  });
}

}  // namespace retinaface::runtime::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
