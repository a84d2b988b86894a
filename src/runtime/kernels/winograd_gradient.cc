#include "runtime/kernels/winograd_gradient.h"

#include "runtime/kernels/kernels.h"

namespace retinaface::runtime::kernels {

std::int64_t winograd_tiles(const Batch& batch) {
  return batch.images * ((batch.height + 3) / 4) * ((batch.width + 3) / 4);
}

void run(const Winograd& layer, const Batch& in, const Batch& out, std::int64_t begin,
         std::int64_t end, float* scratch) {
  layer.kernels->winograd_batch(layer, in, out, begin, end, scratch);
}

std::size_t winograd_gradient_floats(const Kernels& kernels, std::int64_t tiles,
                                     std::int64_t channels) {
  return kernels.gradient_floats(tiles, channels);
}

void transform(const Kernels& kernels, const WinogradGradient& sums, const Batch& in,
               const Batch& gradient, std::int64_t first, std::int64_t begin, std::int64_t end) {
  kernels.gradient_transform(sums, in, gradient, first, begin, end);
}

void add_products(const Kernels& kernels, const WinogradGradient& sums, std::int64_t in_channels,
                  std::int64_t out_channels, std::int64_t count, std::int64_t position) {
  kernels.gradient_products(sums, in_channels, out_channels, count, position);
}

void finish(const WinogradGradient& sums, std::int64_t in_channels, std::int64_t out_channels,
            std::int64_t begin, std::int64_t end, float* weight_gradient) {
  for (std::int64_t o = begin; o < end; ++o) {
    for (std::int64_t i = 0; i < in_channels; ++i) {
      const float* const sum = sums.sums + o * in_channels + i;
      double rows[3][6] = {};  // of G^T m
      for (std::size_t p = 0; p < 6; ++p) {
        for (std::size_t j = 0; j < 6; ++j) {
          const double m = sum[static_cast<std::int64_t>(6 * p + j) * out_channels * in_channels];
          for (std::size_t y = 0; y < 3; ++y) rows[y][j] += kWinogradG[p][y] * m;
        }
      }
      float* const to = weight_gradient + (o * in_channels + i) * 9;
      for (std::size_t y = 0; y < 3; ++y) {
        for (std::size_t x = 0; x < 3; ++x) {
          double value = 0;
          for (std::size_t j = 0; j < 6; ++j) value += rows[y][j] * kWinogradG[j][x];
          to[3 * y + x] = static_cast<float>(value);
        }
      }
    }
  }
}

}  // namespace retinaface::runtime::kernels
