#include "runtime/training_kernels/winograd_gradient.h"

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "runtime/kernels/testing.h"

namespace retinaface::runtime::training_kernels {
namespace {

using kernels::convolved;
using kernels::Noise;
using kernels::Planes;
using kernels::scratch_of;
using kernels::Size;

/// A batch's maps: adjacent channels.
struct Cells {
  Cells(std::int64_t images, const Size& size, std::int64_t channels)
      : values(static_cast<std::size_t>(images * size.height * size.width * channels)),
        batch{values.data(), images, size.height, size.width, channels} {
    std::ranges::fill(values, 0.0F);
  }
  float& at(std::int64_t image, std::size_t channel, std::size_t cell) {
    const auto cells = static_cast<std::size_t>(batch.height * batch.width);
    return values[(static_cast<std::size_t>(image) * cells + cell) *
                      static_cast<std::size_t>(batch.channels) +
                  channel];
  }
  AlignedBuffer<float> values;
  Batch batch;
};

TEST(TrainingKernels, WinogradAndItsGradientEqualPlainLoops) {
  kernels::for_all([](const Kernels& kernels, const Size& size, const std::string& what) {
    Noise noise(7);
    constexpr std::int64_t kImages = 2;
    const std::int64_t in = 2 * kernels.block;
    const std::int64_t out = kernels.block;
    const graph::Tensor weight = noise.tensor({out, in, 3, 3});
    const graph::Tensor bias = noise.tensor({out});
    Cells map(kImages, size, in);
    Cells result(kImages, size, out);
    Cells gradient(kImages, size, out);
    std::vector<Planes> planes;
    std::vector<Planes> by;
    for (std::int64_t n = 0; n < kImages; ++n) {
      planes.push_back(noise.planes(in, size.height * size.width));
      by.push_back(noise.planes(out, size.height * size.width));
      for (std::size_t cell = 0; cell < planes.back()[0].size(); ++cell) {
        for (std::size_t c = 0; c < planes.back().size(); ++c) {
          map.at(n, c, cell) = static_cast<float>(planes.back()[c][cell]);
        }
        for (std::size_t c = 0; c < by.back().size(); ++c) {
          gradient.at(n, c, cell) = static_cast<float>(by.back()[c][cell]);
        }
      }
    }

    const Winograd layer = make_winograd(kernels, weight, make_epilogue(kernels, bias, 1));
    AlignedBuffer<float> scratch = scratch_of(scratch_floats(layer));
    const std::int64_t tiles = winograd_tiles(map.batch);
    run(layer, map.batch, result.batch, 0, tiles / 2, scratch.data());
    run(layer, map.batch, result.batch, tiles / 2, tiles, scratch.data());
    double difference = 0;
    for (std::int64_t n = 0; n < kImages; ++n) {
      const Planes expected = convolved(planes[static_cast<std::size_t>(n)], size.height,
                                        size.width, weight, bias, 1, 1);
      for (std::size_t c = 0; c < expected.size(); ++c) {
        for (std::size_t cell = 0; cell < expected[c].size(); ++cell) {
          difference =
              std::max(difference, std::abs(expected[c][cell] - double{result.at(n, c, cell)}));
        }
      }
    }
    EXPECT_LT(difference, 2e-4) << what;

    constexpr std::int64_t kTilesAtOnce = 8;
    AlignedBuffer<float> inputs(winograd_gradient_floats(kernels, kTilesAtOnce, in));
    AlignedBuffer<float> gradients(winograd_gradient_floats(kernels, kTilesAtOnce, out));
    AlignedBuffer<float> products(static_cast<std::size_t>(36 * in * out));
    std::ranges::fill(products, 0.0F);
    const WinogradGradient sums = {kTilesAtOnce, inputs.data(), gradients.data(), products.data()};
    for (std::int64_t first = 0; first < tiles; first += kTilesAtOnce) {
      const std::int64_t last = std::min(first + kTilesAtOnce, tiles);
      transform(kernels, sums, map.batch, gradient.batch, first, first, last);
      for (std::int64_t p = 0; p < 36; ++p) add_products(kernels, sums, in, out, last - first, p);
    }
    std::vector<float> actual(static_cast<std::size_t>(out * in * 9));
    finish(sums, in, out, 0, out, actual.data());
    double largest = 0;
    difference = 0;
    for (std::size_t o = 0; o < static_cast<std::size_t>(out); ++o) {
      for (std::size_t i = 0; i < static_cast<std::size_t>(in); ++i) {
        for (std::int64_t tap = 0; tap < 9; ++tap) {
          double sum = 0;
          for (std::size_t n = 0; n < planes.size(); ++n) {
            for (std::int64_t y = 0; y < size.height; ++y) {
              for (std::int64_t x = 0; x < size.width; ++x) {
                const std::int64_t in_y = y + tap / 3 - 1;
                const std::int64_t in_x = x + tap % 3 - 1;
                if (in_y < 0 || in_y >= size.height || in_x < 0 || in_x >= size.width) continue;
                sum += by[n][o][static_cast<std::size_t>(y * size.width + x)] *
                       planes[n][i][static_cast<std::size_t>(in_y * size.width + in_x)];
              }
            }
          }
          const auto at =
              (o * static_cast<std::size_t>(in) + i) * 9 + static_cast<std::size_t>(tap);
          largest = std::max(largest, std::abs(sum));
          difference = std::max(difference, std::abs(sum - double{actual[at]}));
        }
      }
    }
    EXPECT_LT(difference, 2e-5 * largest) << what;
  });
}

}  // namespace
}  // namespace retinaface::runtime::training_kernels
