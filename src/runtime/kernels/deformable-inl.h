// Deformable convolution: the points that the offsets name, side by side as a matrix, times the
// weights. Included once for each instruction set.

#if defined(RETINAFACE_RUNTIME_KERNELS_DEFORMABLE_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef RETINAFACE_RUNTIME_KERNELS_DEFORMABLE_INL_H_
#undef RETINAFACE_RUNTIME_KERNELS_DEFORMABLE_INL_H_
#else
#define RETINAFACE_RUNTIME_KERNELS_DEFORMABLE_INL_H_
#endif

#include <hwy/contrib/math/math-inl.h>

#include "runtime/kernels/deformable.h"
#include "runtime/kernels/gemm-inl.h"

HWY_BEFORE_NAMESPACE();
namespace retinaface::runtime::kernels::HWY_NAMESPACE {

/// Output cells worked on at once: their matrix and the weights of two blocks stay in the cache.
inline std::int64_t deformable_strip(std::int64_t in_channels, std::int64_t points) {
  constexpr std::int64_t kFloats = 96 * 1024;
  return kCells * std::clamp<std::int64_t>(kFloats / (kCells * in_channels * points), 1, 8);
}

/// Where the points of one strip are read: for each point and each cell of the strip four cells of
/// the map, in floats from its first, and what each of them counts for, all [point][corner][cell].
class SamplingTable {
 public:
  /// `memory` has floats() floats.
  SamplingTable(std::int64_t strip, std::int64_t points, float* memory)
      : strip_(padded(strip)),
        share_(memory),
        cell_(reinterpret_cast<std::int32_t*>(memory + 4 * strip_ * points)),
        column_(memory + 8 * strip_ * points) {}

  static std::int64_t floats(std::int64_t strip, std::int64_t points) {
    return (8 * points + 5) * padded(strip);
  }

  const float* shares(std::int64_t point, int corner) const {
    return share_ + (4 * point + corner) * strip_;
  }
  const std::int32_t* cells(std::int64_t point, int corner) const {
    return cell_ + (4 * point + corner) * strip_;
  }

  /// For output cells [first, first + count).
  void fill(const Deformable& layer, const Map& in, const Map& offsets, std::int64_t first,
            std::int64_t count) {
    const std::int64_t points = layer.kernel * layer.kernel;
    float* const column = column_;
    float* const row = column + strip_;
    float* const dy = row + strip_;
    float* const dx = dy + strip_;
    float* const logit = dx + strip_;
    for (std::int64_t i = 0; i < padded(count); ++i) {
      const std::int64_t cell = std::min(first + i, offsets.height * offsets.width - 1);
      column[i] = static_cast<float>(cell % offsets.width * layer.stride - layer.padding);
      const std::int64_t top = cell / offsets.width * layer.stride - layer.padding;
      row[i] = static_cast<float>(top);
    }
    for (std::int64_t point = 0; point < points; ++point) {
      gather(offsets, 2 * point, first, count, dy);
      gather(offsets, 2 * point + 1, first, count, dx);
      gather(offsets, 2 * points + point, first, count, logit);
      const FloatTag d;
      const std::int64_t point_row = point / layer.kernel;
      const Vector point_y = hn::Set(d, static_cast<float>(point_row));
      const Vector point_x = hn::Set(d, static_cast<float>(point % layer.kernel));
      for (std::int64_t i = 0; i < count; i += kBlock) {
        const Vector y = hn::Add(hn::Add(hn::Load(d, row + i), point_y), hn::Load(d, dy + i));
        const Vector x = hn::Add(hn::Add(hn::Load(d, column + i), point_x), hn::Load(d, dx + i));
        set(in, point, i, y, x, hn::Load(d, logit + i));
      }
    }
  }

 private:
  static std::int64_t padded(std::int64_t cells) { return (cells + kBlock - 1) / kBlock * kBlock; }

  static void gather(const Map& offsets, std::int64_t channel, std::int64_t first,
                     std::int64_t count, float* to) {
    const float* const from =
        offsets.data + channel / kBlock * offsets.block_stride + first * kBlock + channel % kBlock;
    for (std::int64_t i = 0; i < count; ++i) to[i] = from[i * kBlock];
    for (std::int64_t i = count; i < padded(count); ++i) to[i] = 0;
  }

  /// The four cells around (y, x); those outside the map count for nothing, and cell 0 stands for
  /// them. So it does for what is not a number.
  void set(const Map& in, std::int64_t point, std::int64_t i, Vector y, Vector x, Vector logit) {
    const FloatTag d;
    const hn::RebindToSigned<FloatTag> di;
    const Vector zero = hn::Zero(d);
    const Vector one = hn::Set(d, 1.0F);
    const Vector mask = hn::Div(hn::Set(d, 2.0F), hn::Add(one, hn::Exp(d, hn::Neg(logit))));
    const auto axis = [&](Vector at, std::int64_t size, Vector* cell, Vector* share) HWY_ATTR {
      const Vector end = hn::Set(d, static_cast<float>(size));
      const Vector low = hn::Floor(at);
      const Vector fraction = hn::Sub(at, low);
      const Vector high = hn::Add(low, one);
      const auto low_inside = hn::And(hn::Ge(low, zero), hn::Lt(low, end));
      const auto high_inside = hn::And(hn::Ge(high, zero), hn::Lt(high, end));
      cell[0] = hn::IfThenElseZero(low_inside, low);
      cell[1] = hn::IfThenElseZero(high_inside, high);
      share[0] = hn::IfThenElseZero(low_inside, hn::Sub(one, fraction));
      share[1] = hn::IfThenElseZero(high_inside, fraction);
    };
    Vector rows[2], columns[2], row_shares[2], column_shares[2];
    axis(y, in.height, rows, row_shares);
    axis(x, in.width, columns, column_shares);
    const auto width = hn::Set(di, static_cast<std::int32_t>(in.width));
    for (int corner = 0; corner < 4; ++corner) {
      const int r = corner / 2;
      const int c = corner % 2;
      hn::Store(hn::Mul(mask, hn::Mul(row_shares[r], column_shares[c])), d,
                share_ + (4 * point + corner) * strip_ + i);
      const auto cell =
          hn::Add(hn::Mul(hn::ConvertTo(di, rows[r]), width), hn::ConvertTo(di, columns[c]));
      hn::Store(hn::Mul(cell, hn::Set(di, kBlock)), di, cell_ + (4 * point + corner) * strip_ + i);
    }
  }

  std::int64_t strip_;
  float* share_;
  std::int32_t* cell_;
  float* column_;
};

/// `kBlocks` blocks of channels from `planes` on, all points: [block][point][cell][B] to `out`,
/// `stride` floats a point.
template <int kBlocks>
HWY_INLINE void sample(const SamplingTable& table, const float* planes, std::int64_t block_stride,
                       std::int64_t points, std::int64_t count, float* out, std::int64_t stride) {
  const FloatTag d;
  for (std::int64_t point = 0; point < points; ++point) {
    const float* const s[4] = {table.shares(point, 0), table.shares(point, 1),
                               table.shares(point, 2), table.shares(point, 3)};
    const std::int32_t* const c[4] = {table.cells(point, 0), table.cells(point, 1),
                                      table.cells(point, 2), table.cells(point, 3)};
    for (std::int64_t i = 0; i < count; ++i) {
      Vector sums[kBlocks];
#pragma GCC unroll 4
      for (int corner = 0; corner < 4; ++corner) {
        const Vector share = hn::Set(d, s[corner][i]);
        const float* const from = planes + c[corner][i];
#pragma GCC unroll 4
        for (int b = 0; b < kBlocks; ++b) {
          const Vector value = hn::Load(d, from + b * block_stride);
          sums[b] = corner == 0 ? hn::Mul(share, value) : hn::MulAdd(share, value, sums[b]);
        }
      }
#pragma GCC unroll 4
      for (int b = 0; b < kBlocks; ++b) {
        hn::Store(sums[b], d, out + (b * points + point) * stride + i * kBlock);
      }
    }
  }
}

inline std::size_t deformable_floats(const Deformable& layer) {
  const std::int64_t points = layer.kernel * layer.kernel;
  const std::int64_t strip = deformable_strip(layer.in_channels, points);
  return static_cast<std::size_t>(strip * points * layer.in_channels +
                                  SamplingTable::floats(strip, points));
}

inline void deformable(const Deformable& layer, const Map& in, const Map& offsets,
                       const BlockPointers& out, float* scratch) {
  const std::int64_t points = layer.kernel * layer.kernel;
  const std::int64_t strip = deformable_strip(layer.in_channels, points);
  const std::int64_t block_stride = strip * kBlock;
  float* const matrix = scratch;
  SamplingTable table(strip, points, scratch + strip * points * layer.in_channels);
  const std::int64_t cells = offsets.height * offsets.width;
  for (std::int64_t first = 0; first < cells;) {
    const std::int64_t pieces = (cells - first + strip - 1) / strip;
    const std::int64_t count = (cells - first + pieces - 1) / pieces;
    table.fill(layer, in, offsets, first, count);
    const std::int64_t blocks = layer.in_channels / kBlock;
    for (std::int64_t b = 0; b < blocks;) {
      const float* const planes = in.data + b * in.block_stride;
      float* const to = matrix + b * points * block_stride;
      if (b + 4 <= blocks) {
        sample<4>(table, planes, in.block_stride, points, count, to, block_stride);
        b += 4;
      } else {
        sample<1>(table, planes, in.block_stride, points, count, to, block_stride);
        b += 1;
      }
    }
    multiply_strip(Rows{matrix, block_stride}, count, points * layer.in_channels,
                   layer.out_channels, layer.weight.data(), layer.epilogue.bias.data(),
                   layer.epilogue.slope.data(), out.behind(first * kBlock));
    first += count;
  }
}

}  // namespace retinaface::runtime::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
