// The gradient of a 3x3 convolution's weights by the adjoint of Winograd's F(4x4, 3x3). Included
// once for each instruction set.

#if defined(RETINAFACE_RUNTIME_TRAINING_KERNELS_WINOGRAD_GRADIENT_INL_H_) == \
    defined(HWY_TARGET_TOGGLE)
#ifdef RETINAFACE_RUNTIME_TRAINING_KERNELS_WINOGRAD_GRADIENT_INL_H_
#undef RETINAFACE_RUNTIME_TRAINING_KERNELS_WINOGRAD_GRADIENT_INL_H_
#else
#define RETINAFACE_RUNTIME_TRAINING_KERNELS_WINOGRAD_GRADIENT_INL_H_
#endif

#include "runtime/kernels/winograd-inl.h"
#include "runtime/training_kernels/winograd_gradient.h"

HWY_BEFORE_NAMESPACE();
namespace retinaface::runtime::training_kernels::HWY_NAMESPACE {

using kernels::Map;
using namespace kernels::HWY_NAMESPACE;  // NOLINT(google-build-using-namespace): of one set

/// Floats from one of the 36 positions to the next, where each has `floats`: lines of a power of
/// two apart would push each other out of the cache.
constexpr std::int64_t position_stride(std::int64_t floats) {
  constexpr std::int64_t kLine = 16;
  return floats + kLine;
}

inline std::size_t gradient_floats(std::int64_t tiles, std::int64_t channels) {
  return static_cast<std::size_t>(36 * position_stride(tiles * channels));
}

/// A d: four values in, six out.
HWY_INLINE void transform_gradient(const Vector* d, Vector* t) {
  const Vector near_even = hn::MulAdd(constant(kernels::kNear2), d[2], d[0]);  // d0 + a^2 d2
  const Vector near_odd = hn::MulAdd(constant(kernels::kNear2), d[3], d[1]);   // d1 + a^2 d3
  const Vector far_even = hn::MulAdd(constant(kernels::kFar2), d[2], d[0]);
  const Vector far_odd = hn::MulAdd(constant(kernels::kFar2), d[3], d[1]);
  t[0] = d[0];
  t[1] = hn::MulAdd(constant(1 / kernels::kNear), near_even, near_odd);
  t[2] = hn::MulSub(constant(1 / kernels::kNear), near_even, near_odd);
  t[3] = hn::MulAdd(constant(1 / kernels::kFar), far_even, far_odd);
  t[4] = hn::MulSub(constant(1 / kernels::kFar), far_even, far_odd);
  t[5] = d[3];
}

/// One block of the 4x4 cells of tile (y, x), transformed, to `out` + position * position_stride.
HWY_INLINE void gradient_tile(const Map& map, const float* plane, std::int64_t cell, std::int64_t y,
                              std::int64_t x, float* out, std::int64_t position_stride) {
  const FloatTag tag;
  Vector columns[4][6];
  for (int j = 0; j < 4; ++j) {
    Vector d[4];
#pragma GCC unroll 4
    for (int i = 0; i < 4; ++i) {
      const bool here = y + i < map.height && x + j < map.width;
      d[i] = here ? hn::Load(tag, plane + ((y + i) * map.width + x + j) * cell) : hn::Zero(tag);
    }
    transform_gradient(d, columns[j]);
  }
  for (int i = 0; i < 6; ++i) {
    Vector row[4];
    Vector t[6];
#pragma GCC unroll 4
    for (int j = 0; j < 4; ++j) row[j] = columns[j][i];
    transform_gradient(row, t);
#pragma GCC unroll 6
    for (int j = 0; j < 6; ++j) hn::Store(t[j], tag, out + (6 * i + j) * position_stride);
  }
}

/// Image `index` of a batch; its cells are batch.channels floats apart, its blocks B.
inline Map image_of(const Batch& batch, std::int64_t index) {
  return {batch.data + index * batch.height * batch.width * batch.channels, batch.height,
          batch.width, kBlock};
}

/// Calls `work(image, begin, end)` for the tiles [begin, end) of a batch, image by image.
template <typename Work>
HWY_INLINE void for_images(const Batch& batch, std::int64_t begin, std::int64_t end,
                           const Work& work) {
  const std::int64_t tiles = tiles_of(batch.height, batch.width);
  while (begin < end) {
    const std::int64_t image = begin / tiles;
    const std::int64_t last = std::min(end, (image + 1) * tiles);
    work(image, begin - image * tiles, last - image * tiles);
    begin = last;
  }
}

inline void winograd_batch(const Winograd& layer, const Batch& in, const Batch& out,
                           std::int64_t begin, std::int64_t end, float* scratch) {
  for_images(in, begin, end, [&](std::int64_t image, std::int64_t first, std::int64_t last) {
    const StridedPlanes to = {image_of(out, image).data, kBlock};
    winograd(layer, image_of(in, image), to, {}, {in.channels, out.channels}, first, last, scratch);
  });
}

/// Both transformed: [position][tile][channel].
inline void transform_tiles(const WinogradGradient& sums, const Batch& in, const Batch& gradient,
                            std::int64_t first, std::int64_t begin, std::int64_t end) {
  const std::int64_t in_stride = position_stride(sums.tiles * in.channels);
  const std::int64_t gradient_stride = position_stride(sums.tiles * gradient.channels);
  const std::int64_t tiles_x = (in.width + 3) / 4;
  float* to_inputs = sums.inputs + (begin - first) * in.channels;
  float* to_gradients = sums.gradients + (begin - first) * gradient.channels;
  for_images(in, begin, end, [&](std::int64_t image, std::int64_t from, std::int64_t last) {
    const Map map = image_of(in, image);
    const Map by = image_of(gradient, image);
    for (std::int64_t t = from; t < last; ++t) {
      const std::int64_t y = t / tiles_x * 4;
      const std::int64_t x = t % tiles_x * 4;
      for (std::int64_t c = 0; c < in.channels; c += kBlock) {
        input_tile<Rows>(map, map.data + c, in.channels, y, x, nullptr, to_inputs + c, in_stride);
      }
      for (std::int64_t c = 0; c < gradient.channels; c += kBlock) {
        gradient_tile(by, by.data + c, gradient.channels, y, x, to_gradients + c, gradient_stride);
      }
      to_inputs += in.channels;
      to_gradients += gradient.channels;
    }
  });
}

/// sums[o][i] += the products a[t][o] b[t][i] over `count` tiles, for kRows channels o and kBlocks
/// blocks of i. Strides are those of a tile; of `sums`, of a channel o.
template <int kRows, int kBlocks>
HWY_INLINE void add_outer_products(std::int64_t count, const float* a, std::int64_t a_stride,
                                   const float* b, std::int64_t b_stride, float* sums,
                                   std::int64_t stride) {
  const FloatTag d;
  Vector sum[kRows][kBlocks];
#pragma GCC unroll 16
  for (int row = 0; row < kRows; ++row) {
#pragma GCC unroll 2
    for (int k = 0; k < kBlocks; ++k) sum[row][k] = hn::Load(d, sums + row * stride + k * kBlock);
  }
  for (std::int64_t t = 0; t < count; ++t, a += a_stride, b += b_stride) {
    Vector inputs[kBlocks];
#pragma GCC unroll 2
    for (int k = 0; k < kBlocks; ++k) inputs[k] = hn::Load(d, b + k * kBlock);
#pragma GCC unroll 16
    for (int row = 0; row < kRows; ++row) {
      const Vector value = hn::Set(d, a[row]);
#pragma GCC unroll 2
      for (int k = 0; k < kBlocks; ++k) sum[row][k] = hn::MulAdd(value, inputs[k], sum[row][k]);
    }
  }
#pragma GCC unroll 16
  for (int row = 0; row < kRows; ++row) {
#pragma GCC unroll 2
    for (int k = 0; k < kBlocks; ++k) hn::Store(sum[row][k], d, sums + row * stride + k * kBlock);
  }
}

/// Rows of a sum that are kept in registers at once; a divisor of B.
inline constexpr int kRows = kBlock >= 8 && kManyRegisters ? 8 : 4;

inline void add_position(const WinogradGradient& sums, std::int64_t in_channels,
                         std::int64_t out_channels, std::int64_t count, std::int64_t position) {
  const float* const inputs = sums.inputs + position * position_stride(sums.tiles * in_channels);
  const float* const gradients =
      sums.gradients + position * position_stride(sums.tiles * out_channels);
  float* const sum = sums.sums + position * in_channels * out_channels;
  for (std::int64_t i = 0; i < in_channels; i += 2 * kBlock) {
    for (std::int64_t o = 0; o < out_channels; o += kRows) {
      float* const to = sum + o * in_channels + i;
      if (i + kBlock < in_channels) {
        add_outer_products<kRows, 2>(count, gradients + o, out_channels, inputs + i, in_channels,
                                     to, in_channels);
      } else {
        add_outer_products<kRows, 1>(count, gradients + o, out_channels, inputs + i, in_channels,
                                     to, in_channels);
      }
    }
  }
}

}  // namespace retinaface::runtime::training_kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
