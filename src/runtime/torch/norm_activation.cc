#include "runtime/torch/norm_activation.h"

#include <algorithm>
#include <array>

#include "base/check.h"
#include "base/simd.h"

// The loops are compiled once for each instruction set; the compiler makes vectors of the loops
// over channels.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "runtime/torch/norm_activation.cc"
#include <hwy/foreach_target.h>
// foreach_target.h comes before highway.h.
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace retinaface::runtime::HWY_NAMESPACE {

template <typename T>
void sum_rows(const Rows<const T>& x, const float* pivot, float* __restrict sum,
              float* __restrict square) {
  for (std::int64_t row = 0; row < x.count; ++row) {
    const T* const values = x.data + row * x.stride;
    for (std::int64_t c = 0; c < x.channels; ++c) {
      const float value = load(values[c]) - pivot[c];
      sum[c] += value;
      square[c] += value * value;
    }
  }
}

template <typename T>
void sum_gradient_rows(const Rows<const T>& x, const Rows<const T>& dy, const float* scale,
                       const float* shift, float slope, const float* pivot, float* __restrict sum,
                       float* __restrict product) {
  for (std::int64_t row = 0; row < x.count; ++row) {
    const T* const values = x.data + row * x.stride;
    const T* const gradients = dy.data + row * dy.stride;
    for (std::int64_t c = 0; c < x.channels; ++c) {
      const float value = load(values[c]);
      const float g = load(gradients[c]) * (value * scale[c] + shift[c] > 0 ? 1.0F : slope);
      sum[c] += g;
      product[c] += g * (value - pivot[c]);
    }
  }
}

template <typename T>
void normalize_rows(const Rows<const T>& x, const float* scale, const float* shift, float slope,
                    const Rows<T>& y) {
  for (std::int64_t row = 0; row < x.count; ++row) {
    const T* const values = x.data + row * x.stride;
    T* __restrict const results = y.data + row * y.stride;
    for (std::int64_t c = 0; c < x.channels; ++c) {
      const float z = load(values[c]) * scale[c] + shift[c];
      store(results[c], z > 0 ? z : slope * z);
    }
  }
}

template <typename T>
void backward_rows(const Rows<const T>& x, const Rows<const T>& dy, const float* scale,
                   const float* shift, float slope, const float* by_x, const float* constant,
                   const Rows<T>& dx) {
  for (std::int64_t row = 0; row < x.count; ++row) {
    const T* const values = x.data + row * x.stride;
    const T* const gradients = dy.data + row * dy.stride;
    T* __restrict const results = dx.data + row * dx.stride;
    for (std::int64_t c = 0; c < x.channels; ++c) {
      const float value = load(values[c]);
      const float g = load(gradients[c]) * (value * scale[c] + shift[c] > 0 ? 1.0F : slope);
      store(results[c], scale[c] * g + by_x[c] * value + constant[c]);
    }
  }
}

}  // namespace retinaface::runtime::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE

namespace retinaface::runtime {
namespace {

/// Narrow maps are looked at as if several rows were one, so that the inner loops stay this long.
constexpr std::int64_t kWide = 64;
/// Rows whose float sums go into the double ones at once.
constexpr std::int64_t kRowsPerSum = 64;
constexpr std::int64_t kMaxChannels = 4096;

/// How many rows of a map make one wide row.
template <typename... Maps>
std::int64_t fold_of(std::int64_t channels, const Maps&... maps) {
  const bool dense = ((maps.stride == channels) && ...);
  return dense ? std::max<std::int64_t>(kWide / channels, 1) : 1;
}

template <typename T>
Rows<T> folded(const Rows<T>& rows, std::int64_t fold) {
  if (fold == 1) return rows;
  return {rows.data, rows.count / fold, rows.channels * fold, rows.stride * fold};
}

template <typename T>
Rows<T> rest_of(const Rows<T>& rows, std::int64_t fold) {
  return rows.slice(rows.count / fold * fold, rows.count);
}

using Constants = std::array<float, kMaxChannels>;

void repeat(const float* values, std::int64_t channels, std::int64_t fold, Constants& wide) {
  for (std::int64_t i = 0; i < fold; ++i) {
    std::copy_n(values, channels, wide.data() + i * channels);
  }
}

/// Runs `sum(begin, end, first, second)`, which adds float sums of some rows, over blocks of rows
/// and gathers the results in double precision, columns of folded rows back into channels.
template <typename Sum>
void gather(std::int64_t rows, std::int64_t channels, std::int64_t fold, double* sums,
            const Sum& sum) {
  Constants first;
  Constants second;
  for (std::int64_t begin = 0; begin < rows; begin += kRowsPerSum) {
    std::fill_n(first.data(), channels * fold, 0.0F);
    std::fill_n(second.data(), channels * fold, 0.0F);
    sum(begin, std::min(begin + kRowsPerSum, rows), first.data(), second.data());
    for (std::int64_t c = 0; c < channels * fold; ++c) {
      const auto i = static_cast<std::size_t>(c);
      sums[c % channels] += static_cast<double>(first[i]);
      sums[channels + c % channels] += static_cast<double>(second[i]);
    }
  }
}

}  // namespace

template <typename T>
void add_moments(Rows<const T> x, const float* pivot, double* sums) {
  RF_CHECK(x.channels <= kMaxChannels);
  const std::int64_t fold = fold_of(x.channels, x);
  Constants wide_pivot;
  repeat(pivot, x.channels, fold, wide_pivot);
  const auto sum_loop = RF_SIMD_VARIANT(sum_rows<T>);
  const auto part = [&](const Rows<const T>& rows, std::int64_t part_fold) {
    gather(
        rows.count, x.channels, part_fold, sums,
        [&](std::int64_t begin, std::int64_t end, float* __restrict sum, float* __restrict square) {
          sum_loop(rows.slice(begin, end), wide_pivot.data(), sum, square);
        });
  };
  part(folded(x, fold), fold);
  if (fold > 1) part(rest_of(x, fold), 1);
}

template <typename T>
void normalize(Rows<const T> x, const float* scale, const float* shift, float slope, Rows<T> y) {
  RF_CHECK(x.channels <= kMaxChannels);
  const std::int64_t fold = fold_of(x.channels, x, y);
  Constants wide_scale;
  Constants wide_shift;
  repeat(scale, x.channels, fold, wide_scale);
  repeat(shift, x.channels, fold, wide_shift);
  const auto part = [&](const Rows<const T>& from, const Rows<T>& to) {
    RF_SIMD_VARIANT(normalize_rows<T>)(from, wide_scale.data(), wide_shift.data(), slope, to);
  };
  part(folded(x, fold), folded(y, fold));
  if (fold > 1) part(rest_of(x, fold), rest_of(y, fold));
}

template <typename T>
void add_gradient_moments(Rows<const T> x, Rows<const T> dy, const float* scale, const float* shift,
                          float slope, const float* pivot, double* sums) {
  RF_CHECK(x.channels <= kMaxChannels);
  const std::int64_t fold = fold_of(x.channels, x, dy);
  Constants wide_scale;
  Constants wide_shift;
  Constants wide_pivot;
  repeat(scale, x.channels, fold, wide_scale);
  repeat(shift, x.channels, fold, wide_shift);
  repeat(pivot, x.channels, fold, wide_pivot);
  const auto sum_loop = RF_SIMD_VARIANT(sum_gradient_rows<T>);
  const auto part = [&](const Rows<const T>& xs, const Rows<const T>& dys, std::int64_t part_fold) {
    gather(xs.count, x.channels, part_fold, sums,
           [&](std::int64_t begin, std::int64_t end, float* sum, float* product) {
             sum_loop(xs.slice(begin, end), dys.slice(begin, end), wide_scale.data(),
                      wide_shift.data(), slope, wide_pivot.data(), sum, product);
           });
  };
  part(folded(x, fold), folded(dy, fold), fold);
  if (fold > 1) part(rest_of(x, fold), rest_of(dy, fold), 1);
}

template <typename T>
void normalize_backward(Rows<const T> x, Rows<const T> dy, const float* scale, const float* shift,
                        float slope, const float* by_x, const float* constant, Rows<T> dx) {
  RF_CHECK(x.channels <= kMaxChannels);
  const std::int64_t fold = fold_of(x.channels, x, dy, dx);
  Constants wide_scale;
  Constants wide_shift;
  Constants wide_by_x;
  Constants wide_constant;
  repeat(scale, x.channels, fold, wide_scale);
  repeat(shift, x.channels, fold, wide_shift);
  repeat(by_x, x.channels, fold, wide_by_x);
  repeat(constant, x.channels, fold, wide_constant);
  const auto part = [&](const Rows<const T>& xs, const Rows<const T>& dys, const Rows<T>& dxs) {
    RF_SIMD_VARIANT(backward_rows<T>)
    (xs, dys, wide_scale.data(), wide_shift.data(), slope, wide_by_x.data(), wide_constant.data(),
     dxs);
  };
  part(folded(x, fold), folded(dy, fold), folded(dx, fold));
  if (fold > 1) part(rest_of(x, fold), rest_of(dy, fold), rest_of(dx, fold));
}

template void add_moments(Rows<const float>, const float*, double*);
template void add_moments(Rows<const Bfloat16>, const float*, double*);
template void normalize(Rows<const float>, const float*, const float*, float, Rows<float>);
template void normalize(Rows<const Bfloat16>, const float*, const float*, float, Rows<Bfloat16>);
template void add_gradient_moments(Rows<const float>, Rows<const float>, const float*, const float*,
                                   float, const float*, double*);
template void add_gradient_moments(Rows<const Bfloat16>, Rows<const Bfloat16>, const float*,
                                   const float*, float, const float*, double*);
template void normalize_backward(Rows<const float>, Rows<const float>, const float*, const float*,
                                 float, const float*, const float*, Rows<float>);
template void normalize_backward(Rows<const Bfloat16>, Rows<const Bfloat16>, const float*,
                                 const float*, float, const float*, const float*, Rows<Bfloat16>);

}  // namespace retinaface::runtime
#endif  // HWY_ONCE
