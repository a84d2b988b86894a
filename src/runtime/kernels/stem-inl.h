// The first three layers of MobileNet-0.25 as one. Included once for each instruction set.

#if defined(RETINAFACE_RUNTIME_KERNELS_STEM_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef RETINAFACE_RUNTIME_KERNELS_STEM_INL_H_
#undef RETINAFACE_RUNTIME_KERNELS_STEM_INL_H_
#else
#define RETINAFACE_RUNTIME_KERNELS_STEM_INL_H_
#endif

#include <cstring>

#include "image/pixel_rows-inl.h"
#include "runtime/kernels/gemm-inl.h"
#include "runtime/kernels/stem.h"

HWY_BEFORE_NAMESPACE();
namespace retinaface::runtime::kernels::HWY_NAMESPACE {

/// Rows of the layers between, planar, with zeros around: vectors of neighbouring cells, since
/// eight channels would fill only half a vector.
struct StemRows {
  std::int64_t in_stride;     ///< floats of a padded row of the image
  std::int64_t inner_stride;  ///< of a row of the inner maps

  /// Zeros before each row, so that its first cell is aligned: cell x is at x + kLead.
  static constexpr std::int64_t kLead = 16;

  explicit StemRows(std::int64_t in_width) {
    const std::int64_t inner_width = (in_width + 1) / 2;
    const std::int64_t vectors = (inner_width + 2 * kBlock - 1) / (2 * kBlock) * 2 * kBlock;
    inner_stride = kLead + vectors + 16;
    in_stride = kLead + 2 * vectors + 16;
  }
  // Scratch: 3 rows of 3 planes of the image, 3 rows of 8 channels and one of zeros, one row of 8
  // channels.
  std::int64_t in_floats() const { return 3 * 3 * in_stride; }
  std::int64_t inner_floats() const { return (3 * kStemChannels + 1) * inner_stride; }
  std::int64_t floats() const {
    return in_floats() + inner_floats() + kStemChannels * inner_stride;
  }
};

/// The stride 2 convolution: one row of all channels from three rows of three planes.
HWY_INLINE void stem_first_row(const Stem& layer, const float* const rows[3][3], std::int64_t width,
                               std::int64_t channel_stride, float* out) {
  const FloatTag d;
  constexpr int kChannels = static_cast<int>(kStemChannels);
  constexpr int kGroup = kManyRegisters ? 2 : 1;  // vectors of cells at once
  for (std::int64_t x = 0; x < width; x += kGroup * kBlock) {
    Vector sums[kChannels][kGroup];
#pragma GCC unroll 8
    for (int c = 0; c < kChannels; ++c) {
      for (int g = 0; g < kGroup; ++g)
        sums[c][g] = hn::Set(d, layer.first.bias[static_cast<std::size_t>(c)]);
    }
    for (int plane = 0; plane < 3; ++plane) {
      for (int r = 0; r < 3; ++r) {
        Vector taps[3][kGroup];
#pragma GCC unroll 2
        for (int g = 0; g < kGroup; ++g) {
          const float* const at = rows[plane][r] + 2 * (x + g * kBlock);
          const Vector low = hn::Load(d, at);
          const Vector high = hn::Load(d, at + kBlock);
          taps[0][g] = hn::ConcatEven(d, hn::LoadU(d, at - 1 + kBlock), hn::LoadU(d, at - 1));
          taps[1][g] = hn::ConcatEven(d, high, low);
          taps[2][g] = hn::ConcatOdd(d, high, low);
        }
        const float* const weight = layer.first_weight.data() + (plane * 3 + r) * 3 * kChannels;
#pragma GCC unroll 3
        for (int tap = 0; tap < 3; ++tap) {
#pragma GCC unroll 8
          for (int c = 0; c < kChannels; ++c) {
            const Vector w = hn::Set(d, weight[tap * kChannels + c]);
#pragma GCC unroll 2
            for (int g = 0; g < kGroup; ++g) sums[c][g] = hn::MulAdd(w, taps[tap][g], sums[c][g]);
          }
        }
      }
    }
#pragma GCC unroll 8
    for (int c = 0; c < kChannels; ++c) {
      const Vector slope = hn::Set(d, layer.first.slope[static_cast<std::size_t>(c)]);
      for (int g = 0; g < kGroup; ++g) {
        hn::Store(hn::Max(sums[c][g], hn::Mul(slope, sums[c][g])), d,
                  out + c * channel_stride + x + g * kBlock);
      }
    }
  }
  // What lies right of the map must count as zero in the next layer.
  for (int c = 0; c < kChannels; ++c) {
    std::memset(out + c * channel_stride + width, 0,
                static_cast<std::size_t>(channel_stride - StemRows::kLead - width) * sizeof(float));
  }
}

/// The last value of `before` and all but the last of `vector`, which lies behind it in memory at
/// `at`; and all but the first of `vector` and the first of `behind`.
HWY_INLINE Vector one_before(Vector before, Vector vector, const float* at) {
#if HWY_TARGET == HWY_AVX3  // a vector that lies in two cache lines takes as long as two
  (void)at;
  return Vector{_mm512_castsi512_ps(_mm512_alignr_epi32(
      _mm512_castps_si512(vector.raw), _mm512_castps_si512(before.raw), kBlock - 1))};
#else
  (void)before, (void)vector;
  return hn::LoadU(FloatTag(), at - 1);
#endif
}
HWY_INLINE Vector one_behind(Vector vector, Vector behind, const float* at) {
#if HWY_TARGET == HWY_AVX3
  (void)at;
  return Vector{_mm512_castsi512_ps(
      _mm512_alignr_epi32(_mm512_castps_si512(behind.raw), _mm512_castps_si512(vector.raw), 1))};
#else
  (void)vector, (void)behind;
  return hn::LoadU(FloatTag(), at + 1);
#endif
}

/// The depthwise convolution: one row of one channel.
HWY_INLINE void stem_depthwise_row(const float* const* rows, std::int64_t width,
                                   const float* weight, float bias, float slope, float* out) {
  const FloatTag d;
  Vector w[9];
#pragma GCC unroll 9
  for (int tap = 0; tap < 9; ++tap) w[tap] = hn::Set(d, weight[tap]);
  const float* const above = rows[0];
  const float* const here = rows[1];
  const float* const below = rows[2];
  Vector before[3];
  Vector vector[3];
  for (int r = 0; r < 3; ++r) {
    before[r] = hn::Load(d, rows[r] - kBlock);
    vector[r] = hn::Load(d, rows[r]);
  }
  for (std::int64_t x = 0; x < width; x += kBlock) {
    Vector sum = hn::Set(d, bias);
    const auto add = [&](int r, const float* row) HWY_ATTR {
      const Vector behind = hn::Load(d, row + x + kBlock);
      sum = hn::MulAdd(w[3 * r], one_before(before[r], vector[r], row + x), sum);
      sum = hn::MulAdd(w[3 * r + 1], vector[r], sum);
      sum = hn::MulAdd(w[3 * r + 2], one_behind(vector[r], behind, row + x), sum);
      before[r] = vector[r];
      vector[r] = behind;
    };
    add(0, above);
    add(1, here);
    add(2, below);
    hn::Store(hn::Max(sum, hn::Mul(hn::Set(d, slope), sum)), d, out + x);
  }
}

/// The pointwise convolution: `kCount` cells of one block of output channels.
template <int kCount>
HWY_INLINE void stem_pointwise_cells(const float* in, std::int64_t channel_stride,
                                     const float* weight, const float* bias, const float* slope,
                                     float* out) {
  const FloatTag d;
  Vector sums[kCount];
#pragma GCC unroll 16
  for (int cell = 0; cell < kCount; ++cell) sums[cell] = hn::Load(d, bias);
#pragma GCC unroll 8
  for (int c = 0; c < static_cast<int>(kStemChannels); ++c) {
    const Vector w = hn::Load(d, weight + c * kBlock);
#pragma GCC unroll 16
    for (int cell = 0; cell < kCount; ++cell) {
      sums[cell] = hn::MulAdd(hn::Set(d, in[c * channel_stride + cell]), w, sums[cell]);
    }
  }
#pragma GCC unroll 16
  for (int cell = 0; cell < kCount; ++cell) {
    hn::Store(activate(sums[cell], slope), d, out + cell * kBlock);
  }
}

/// `out` begins with row range.begin. Rows come in order, from 0 on, since what the next ones need
/// stays in `scratch`.
inline void stem(const Stem& layer, const StemInput& in, const BlockPointers& out,
                 const RowRange& range, float* scratch) {
  const StemRows rows(in.width);
  const std::int64_t height = (in.height + 1) / 2;
  const std::int64_t width = (in.width + 1) / 2;
  float* const image = scratch;
  float* const inner = image + rows.in_floats();
  const float* const zeros = inner + 3 * kStemChannels * rows.inner_stride + StemRows::kLead;
  float* const last = inner + rows.inner_floats();

  const auto image_row = [&](std::int64_t plane, std::int64_t y) {
    return image + (plane * 3 + (y + 3) % 3) * rows.in_stride + StemRows::kLead;
  };
  const auto inner_row = [&](std::int64_t y) {
    return inner + (y + 3) % 3 * kStemChannels * rows.inner_stride + StemRows::kLead;
  };
  const auto load = [&](std::int64_t y) {
    const std::int64_t there = in.planes != nullptr ? in.height : in.pixels->image.height;
    if (y < 0 || y >= there) {
      for (std::int64_t plane = 0; plane < 3; ++plane) {
        std::memset(image_row(plane, y), 0, static_cast<std::size_t>(in.width) * sizeof(float));
      }
    } else if (in.planes != nullptr) {
      for (std::int64_t plane = 0; plane < 3; ++plane) {
        std::memcpy(image_row(plane, y), in.planes + (plane * in.height + y) * in.width,
                    static_cast<std::size_t>(in.width) * sizeof(float));
      }
    } else {
      retinaface::HWY_NAMESPACE::pixel_row_to_planes(
          *in.pixels, static_cast<int>(y), {image_row(0, y), image_row(1, y), image_row(2, y)},
          static_cast<std::size_t>(in.width));
    }
  };
  const auto first_row = [&](std::int64_t y) {
    if (y == 0) load(-1);  // later, 2 y - 1 is still there from the row before
    load(2 * y);
    load(2 * y + 1);
    const float* inputs[3][3];
    for (std::int64_t plane = 0; plane < 3; ++plane) {
      for (std::int64_t r = 0; r < 3; ++r) inputs[plane][r] = image_row(plane, 2 * y - 1 + r);
    }
    stem_first_row(layer, inputs, width, rows.inner_stride, inner_row(y));
  };

  if (range.begin == 0) {
    std::memset(scratch, 0, static_cast<std::size_t>(rows.floats()) * sizeof(float));
    first_row(0);
  }
  for (std::int64_t y = range.begin; y < range.end; ++y) {
    if (y + 1 < height) first_row(y + 1);
    for (std::int64_t c = 0; c < kStemChannels; ++c) {
      const float* inputs[3];
      for (std::int64_t r = 0; r < 3; ++r) {
        const std::int64_t inner_y = y - 1 + r;
        inputs[r] =
            inner_y >= 0 && inner_y < height ? inner_row(inner_y) + c * rows.inner_stride : zeros;
      }
      const auto channel = static_cast<std::size_t>(c);
      stem_depthwise_row(inputs, width, layer.depthwise_weight.data() + 9 * c,
                         layer.depthwise.bias[channel], layer.depthwise.slope[channel],
                         last + c * rows.inner_stride + StemRows::kLead);
    }
    for (std::int64_t b = 0; b < layer.out_channels / kBlock; ++b) {
      const float* const weight = layer.pointwise_weight.data() + b * kStemChannels * kBlock;
      const float* const bias = layer.pointwise.bias.data() + b * kBlock;
      const float* const slope = layer.pointwise.slope.data() + b * kBlock;
      float* const to = out.at(b) + (y - range.begin) * width * kBlock;
      const float* const from = last + StemRows::kLead;
      std::int64_t x = 0;
      for (; x + 8 <= width; x += 8) {
        stem_pointwise_cells<8>(from + x, rows.inner_stride, weight, bias, slope, to + x * kBlock);
      }
      for (; x < width; ++x) {
        stem_pointwise_cells<1>(from + x, rows.inner_stride, weight, bias, slope, to + x * kBlock);
      }
    }
  }
}

}  // namespace retinaface::runtime::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
