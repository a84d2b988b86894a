#include "runtime/torch/deformable_sampling.h"

#include <array>
#include <cmath>

#include "base/check.h"
#include "base/simd.h"

// All is compiled once for each instruction set; the compiler makes vectors of the loops over
// channels.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "runtime/torch/deformable_sampling.cc"
#include <hwy/foreach_target.h>
// foreach_target.h comes before highway.h.
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace retinaface::runtime::HWY_NAMESPACE {

constexpr std::int64_t kMaxChannels = 4096;
constexpr std::int64_t kOutside = -1;

/// What one point of the kernel reads at one place.
struct Reading {
  std::array<std::int64_t, 4> cells;  ///< top left, top right, bottom left, bottom right
  std::array<float, 4> shares;
  float below = 0;  ///< part of a cell between the top row and the point
  float right = 0;
  float mask = 0;
  bool inside = false;  ///< any of the cells is
};

template <typename T>
RF_INLINE Reading read_at(const DeformableGeometry& g, const T* offsets, std::int64_t place,
                          std::int64_t point) {
  const T* const own = offsets + place * 3 * g.points();
  const std::int64_t row_at = place / g.out_width * g.stride - g.padding + point / g.kernel;
  const std::int64_t column_at = place % g.out_width * g.stride - g.padding + point % g.kernel;
  const float y = static_cast<float>(row_at) + load(own[2 * point]);
  const float x = static_cast<float>(column_at) + load(own[2 * point + 1]);
  Reading reading;
  reading.mask = 2 / (1 + std::exp(-load(own[2 * g.points() + point])));
  reading.inside = y > -1 && x > -1 && y < static_cast<float>(g.height) &&
                   x < static_cast<float>(g.width);  // not so for a NaN
  if (!reading.inside) return reading;
  const float top = std::floor(y);
  const float left = std::floor(x);
  reading.below = y - top;
  reading.right = x - left;
  reading.shares = {(1 - reading.below) * (1 - reading.right), (1 - reading.below) * reading.right,
                    reading.below * (1 - reading.right), reading.below * reading.right};
  for (std::int64_t i = 0; i < 4; ++i) {
    const std::int64_t row = static_cast<std::int64_t>(top) + i / 2;
    const std::int64_t column = static_cast<std::int64_t>(left) + i % 2;
    const bool in = row >= 0 && column >= 0 && row < g.height && column < g.width;
    reading.cells[static_cast<std::size_t>(i)] = in ? row * g.width + column : kOutside;
  }
  return reading;
}

template <typename T>
using Cells = std::array<const T*, 4>;

/// Where the channels of the four cells lie; zeros for those outside.
template <typename T>
RF_INLINE Cells<T> cells_of(const DeformableGeometry& g, const Reading& reading, const T* map) {
  static constexpr std::array<T, kMaxChannels> kZeros = {};
  Cells<T> cells;
  for (std::size_t i = 0; i < 4; ++i) {
    cells[i] = reading.cells[i] == kOutside ? kZeros.data() : map + reading.cells[i] * g.channels;
  }
  return cells;
}

template <typename T>
void sample(const DeformableGeometry& g, const T* map, const T* offsets, std::int64_t begin,
            std::int64_t end, T* columns) {
  for (std::int64_t place = begin; place < end; ++place) {
    for (std::int64_t point = 0; point < g.points(); ++point) {
      T* __restrict const column = columns + (place - begin) * g.column() + point * g.channels;
      const Reading reading = read_at(g, offsets, place, point);
      if (!reading.inside) {
        for (std::int64_t c = 0; c < g.channels; ++c) store(column[c], 0.0F);
        continue;
      }
      const auto [a, b, d, e] = cells_of(g, reading, map);
      const auto& shares = reading.shares;
      const float p = reading.mask * shares[0];
      const float q = reading.mask * shares[1];
      const float r = reading.mask * shares[2];
      const float s = reading.mask * shares[3];
      for (std::int64_t c = 0; c < g.channels; ++c) {
        store(column[c], p * load(a[c]) + q * load(b[c]) + r * load(d[c]) + s * load(e[c]));
      }
    }
  }
}

/// Sums side by side, as many as a vector holds: a single one would have to be added up in order.
struct Lanes {
  static constexpr std::int64_t kCount = 16;
  std::array<float, kCount> values = {};

  RF_INLINE void add(std::int64_t lane, float value) {
    values[static_cast<std::size_t>(lane)] += value;
  }
  RF_INLINE float sum() const {
    float total = 0;
    for (const float value : values) total += value;
    return total;
  }
};

template <typename T>
void offsets_back(const DeformableGeometry& g, const T* map, const T* offsets, std::int64_t begin,
                  std::int64_t end, const T* column_gradients, T* gradients) {
  for (std::int64_t place = begin; place < end; ++place) {
    T* const own = gradients + place * 3 * g.points();
    for (std::int64_t point = 0; point < g.points(); ++point) {
      const Reading reading = read_at(g, offsets, place, point);
      Lanes by_y;
      Lanes by_x;
      Lanes by_mask;
      if (reading.inside) {
        const T* const gradient =
            column_gradients + (place - begin) * g.column() + point * g.channels;
        // No structured binding, which clang with OpenMP does not capture.
        const Cells<T> cells = cells_of(g, reading, map);
        const T* const a = cells[0];
        const T* const b = cells[1];
        const T* const d = cells[2];
        const T* const e = cells[3];
        const auto add = [&](std::int64_t lane, std::int64_t c) __attribute__((always_inline)) {
          const float value = load(gradient[c]);
          const float across_top = load(b[c]) - load(a[c]);
          const float across_bottom = load(e[c]) - load(d[c]);
          const float at_top = load(a[c]) + reading.right * across_top;
          const float at_bottom = load(d[c]) + reading.right * across_bottom;
          by_y.add(lane, value * (at_bottom - at_top));
          by_x.add(lane, value * (across_top + reading.below * (across_bottom - across_top)));
          by_mask.add(lane, value * (at_top + reading.below * (at_bottom - at_top)));
        };
        std::int64_t c = 0;
        for (; c + Lanes::kCount <= g.channels; c += Lanes::kCount) {
          for (std::int64_t lane = 0; lane < Lanes::kCount; ++lane) add(lane, c + lane);
        }
        for (; c < g.channels; ++c) add(0, c);
      }
      store(own[2 * point], reading.mask * by_y.sum());
      store(own[2 * point + 1], reading.mask * by_x.sum());
      store(own[2 * g.points() + point], by_mask.sum() * reading.mask * (1 - reading.mask / 2));
    }
  }
}

template <typename T>
void map_back(const DeformableGeometry& g, const T* offsets, std::int64_t begin, std::int64_t end,
              const T* column_gradients, std::int64_t first, std::int64_t last, float* gradients) {
  for (std::int64_t place = begin; place < end; ++place) {
    for (std::int64_t point = 0; point < g.points(); ++point) {
      const Reading reading = read_at(g, offsets, place, point);
      if (!reading.inside) continue;
      const T* const column = column_gradients + (place - begin) * g.column() + point * g.channels;
      for (std::size_t i = 0; i < 4; ++i) {
        const float share = reading.mask * reading.shares[i];
        if (reading.cells[i] == kOutside || share == 0) continue;
        float* __restrict const cell = gradients + reading.cells[i] * g.channels;
        for (std::int64_t c = first; c < last; ++c) cell[c] += share * load(column[c]);
      }
    }
  }
}

}  // namespace retinaface::runtime::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE

namespace retinaface::runtime {

template <typename T>
void sample_columns(const DeformableGeometry& geometry, const T* map, const T* offsets,
                    std::int64_t begin, std::int64_t end, T* columns) {
  RF_CHECK(geometry.channels <= HWY_NAMESPACE::kMaxChannels);
  RF_SIMD_VARIANT(sample<T>)(geometry, map, offsets, begin, end, columns);
}

template <typename T>
void offset_gradients(const DeformableGeometry& geometry, const T* map, const T* offsets,
                      std::int64_t begin, std::int64_t end, const T* column_gradients,
                      T* gradients) {
  RF_SIMD_VARIANT(offsets_back<T>)
  (geometry, map, offsets, begin, end, column_gradients, gradients);
}

template <typename T>
void add_map_gradients(const DeformableGeometry& geometry, const T* offsets, std::int64_t begin,
                       std::int64_t end, const T* column_gradients, std::int64_t first,
                       std::int64_t last, float* gradients) {
  RF_SIMD_VARIANT(map_back<T>)
  (geometry, offsets, begin, end, column_gradients, first, last, gradients);
}

template void sample_columns(const DeformableGeometry&, const float*, const float*, std::int64_t,
                             std::int64_t, float*);
template void offset_gradients(const DeformableGeometry&, const float*, const float*, std::int64_t,
                               std::int64_t, const float*, float*);
template void add_map_gradients(const DeformableGeometry&, const float*, std::int64_t, std::int64_t,
                                const float*, std::int64_t, std::int64_t, float*);
template void sample_columns(const DeformableGeometry&, const Bfloat16*, const Bfloat16*,
                             std::int64_t, std::int64_t, Bfloat16*);
template void offset_gradients(const DeformableGeometry&, const Bfloat16*, const Bfloat16*,
                               std::int64_t, std::int64_t, const Bfloat16*, Bfloat16*);
template void add_map_gradients(const DeformableGeometry&, const Bfloat16*, std::int64_t,
                                std::int64_t, const Bfloat16*, std::int64_t, std::int64_t, float*);

}  // namespace retinaface::runtime

#endif  // HWY_ONCE
