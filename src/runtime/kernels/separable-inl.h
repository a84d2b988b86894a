// Depthwise 3x3 convolution, row by row. Included once for each instruction set.

#if defined(RETINAFACE_RUNTIME_KERNELS_SEPARABLE_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef RETINAFACE_RUNTIME_KERNELS_SEPARABLE_INL_H_
#undef RETINAFACE_RUNTIME_KERNELS_SEPARABLE_INL_H_
#else
#define RETINAFACE_RUNTIME_KERNELS_SEPARABLE_INL_H_
#endif

#include "runtime/kernels/gemm-inl.h"
#include "runtime/kernels/gemm_bfloat16-inl.h"
#include "runtime/kernels/separable.h"

HWY_BEFORE_NAMESPACE();
namespace retinaface::runtime::kernels::HWY_NAMESPACE {

/// One row of one block, to an input of `In`. `rows` are the three input rows, null where they lie
/// outside the map.
template <typename In, int kStride>
HWY_INLINE void depthwise_row(const float* const* rows, std::int64_t in_width,
                              std::int64_t out_width, const float* weight, const float* bias,
                              const float* slope, typename In::Weight* out) {
  const FloatTag d;
  Vector w[9];
#pragma GCC unroll 9
  for (int tap = 0; tap < 9; ++tap) w[tap] = hn::Load(d, weight + tap * kBlock);
  const Vector b = hn::Load(d, bias);

  const auto cell = [&](std::int64_t x, bool left, bool right) HWY_ATTR {
    Vector sum = b;
#pragma GCC unroll 3
    for (int r = 0; r < 3; ++r) {
      if (rows[r] == nullptr) continue;
      const float* const at = rows[r] + (x * kStride - 1) * kBlock;
      if (left) sum = hn::MulAdd(hn::Load(d, at), w[3 * r], sum);
      sum = hn::MulAdd(hn::Load(d, at + kBlock), w[3 * r + 1], sum);
      if (right) sum = hn::MulAdd(hn::Load(d, at + 2 * kBlock), w[3 * r + 2], sum);
    }
    In::store(activate(sum, slope), out + x * In::kValues);
  };

  const bool inside = rows[0] != nullptr && rows[2] != nullptr;
  const auto has_right = [&](std::int64_t x) { return x * kStride + 1 < in_width; };
  cell(0, false, has_right(0));
  std::int64_t x = 1;
  if (inside) {
    for (; x < out_width && has_right(x); ++x) {
      Vector sum = b;
#pragma GCC unroll 3
      for (int r = 0; r < 3; ++r) {
        const float* const at = rows[r] + (x * kStride - 1) * kBlock;
        sum = hn::MulAdd(hn::Load(d, at), w[3 * r], sum);
        sum = hn::MulAdd(hn::Load(d, at + kBlock), w[3 * r + 1], sum);
        sum = hn::MulAdd(hn::Load(d, at + 2 * kBlock), w[3 * r + 2], sum);
      }
      In::store(activate(sum, slope), out + x * In::kValues);
    }
  }
  for (; x < out_width; ++x) cell(x, true, has_right(x));
}

/// Two rows of one block at stride 1, from four input rows that all lie inside the map: half of the
/// rows are read twice, where one at a time reads each thrice. The same sums as depthwise_row.
template <typename In>
HWY_INLINE void depthwise_two_rows(const float* const* rows, std::int64_t width,
                                   const float* weight, const float* bias, const float* slope,
                                   typename In::Weight* out, typename In::Weight* next) {
  const FloatTag d;
  Vector w[9];
#pragma GCC unroll 9
  for (int tap = 0; tap < 9; ++tap) w[tap] = hn::Load(d, weight + tap * kBlock);
  const Vector b = hn::Load(d, bias);
  const auto cell = [&](std::int64_t x, bool left, bool right) HWY_ATTR {
    Vector sum = b;
    Vector below = b;
#pragma GCC unroll 4
    for (int r = 0; r < 4; ++r) {
      const float* const at = rows[r] + (x - 1) * kBlock;
      const auto add = [&](int tap) HWY_ATTR {
        const Vector value = hn::Load(d, at + tap * kBlock);
        if (r < 3) sum = hn::MulAdd(value, w[3 * r + tap], sum);
        if (r > 0) below = hn::MulAdd(value, w[3 * (r - 1) + tap], below);
      };
      if (left) add(0);
      add(1);
      if (right) add(2);
    }
    In::store(activate(sum, slope), out + x * In::kValues);
    In::store(activate(below, slope), next + x * In::kValues);
  };
  cell(0, false, width > 1);
  for (std::int64_t x = 1; x + 1 < width; ++x) cell(x, true, true);
  if (width > 1) cell(width - 1, true, false);
}

/// Output rows that a separable convolution works on at once: their inner map stays in the cache,
/// and is long enough for the product that follows.
inline std::int64_t strip_rows(std::int64_t out_width, std::int64_t channels) {
  constexpr std::int64_t kStripFloats = 24 * 1024;
  return std::max<std::int64_t>(1, kStripFloats / (out_width * channels));
}

inline std::size_t separable_floats(const Depthwise& depthwise, std::int64_t in_width) {
  const std::int64_t out_width = (in_width - 1) / depthwise.stride + 1;
  return static_cast<std::size_t>(strip_rows(out_width, depthwise.channels) * out_width *
                                  depthwise.channels);
}

/// `out` begins with row range.begin; products of `In`.
template <typename In>
inline void separable_by(const typename In::Weight* weights, const Depthwise& depthwise,
                         const Pointwise& pointwise, const Map& in, const BlockPointers& out,
                         const RowRange& range, float* scratch) {
  auto* const inner = reinterpret_cast<typename In::Weight*>(scratch);
  const std::int64_t stride = depthwise.stride;
  const std::int64_t out_width = (in.width - 1) / stride + 1;
  const std::int64_t strip = strip_rows(out_width, depthwise.channels);
  const std::int64_t block_stride = strip * out_width * In::kValues;
  const auto row_function = stride == 1 ? &depthwise_row<In, 1> : &depthwise_row<In, 2>;
  for (std::int64_t top = range.begin; top < range.end; top += strip) {
    const std::int64_t rows = std::min(strip, range.end - top);
    for (std::int64_t b = 0; b < depthwise.channels / kBlock; ++b) {
      const float* const plane = in.data + b * in.block_stride;
      const float* const weight = depthwise.weight.data() + b * 9 * kBlock;
      const float* const bias = depthwise.epilogue.bias.data() + b * kBlock;
      const float* const slope = depthwise.epilogue.slope.data() + b * kBlock;
      for (std::int64_t y = top; y < top + rows; ++y) {
        const float* inputs[4];
        for (std::int64_t r = 0; r < 4; ++r) {
          const std::int64_t in_y = y * stride - 1 + r;
          inputs[r] = in_y >= 0 && in_y < in.height ? plane + in.place_of(in_y) * in.width * kBlock
                                                    : nullptr;
        }
        typename In::Weight* const to =
            inner + b * block_stride + (y - top) * out_width * In::kValues;
        if (kManyRegisters && stride == 1 && y + 1 < top + rows && inputs[0] != nullptr &&
            inputs[3] != nullptr) {
          depthwise_two_rows<In>(inputs, out_width, weight, bias, slope, to,
                                 to + out_width * In::kValues);
          ++y;
          continue;
        }
        row_function(inputs, in.width, out_width, weight, bias, slope, to);
      }
    }
    multiply(In{inner, block_stride}, rows * out_width, pointwise.in_channels,
             pointwise.out_channels, weights, pointwise.epilogue.bias.data(),
             pointwise.epilogue.slope.data(), out.behind((top - range.begin) * out_width * kBlock));
  }
}

/// The same by the layer's weights, whatever they are.
inline void separable(const Depthwise& depthwise, const Pointwise& pointwise, const Map& in,
                      const BlockPointers& out, const RowRange& range, float* scratch) {
  with_weights(pointwise.weights, [&](auto rows, const auto* weights) HWY_ATTR {
    separable_by<decltype(rows)>(weights, depthwise, pointwise, in, out, range, scratch);
  });
}

}  // namespace retinaface::runtime::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
