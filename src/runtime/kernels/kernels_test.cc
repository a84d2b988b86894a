#include "runtime/kernels/kernels.h"

#include <algorithm>
#include <cmath>
#include <random>
#include <string>
#include <tuple>
#include <vector>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "runtime/kernels/testing.h"

// Each operator on each instruction set that the machine has, against plain loops over planar maps.
namespace retinaface::runtime::kernels {
namespace {

TEST(Kernels, AreListedBestFirst) {
  for (std::size_t i = 1; i < available().size(); ++i) {
    EXPECT_GT(available()[i - 1]->level, available()[i]->level);
    EXPECT_GT(available()[i - 1]->block, available()[i]->block);
  }
  EXPECT_EQ(best(), available().front());
}

/// The operators of products, in each type that they have.
class Products : public ::testing::TestWithParam<graph::DataType> {
 protected:
  void SetUp() override {
    if (available(GetParam()).empty()) GTEST_SKIP() << "this processor lacks AVX512-BF16";
  }
};

INSTANTIATE_TEST_SUITE_P(Kernels, Products,
                         ::testing::Values(graph::DataType::kFloat32, graph::DataType::kBFloat16),
                         [](const auto& type) {
                           return std::string(graph::to_string(type.param));
                         });

TEST_P(Products, PointwiseEqualsPlainLoops) {
  for_all(
      [](const Kernels& kernels, const Size& size, const std::string& what) {
        for (const auto& [in_blocks, out_blocks] : {std::pair{1, 1}, {2, 3}, {3, 4}}) {
          Noise noise(1, kernels.type);
          const std::int64_t in = in_blocks * kernels.block;
          const std::int64_t out = out_blocks * kernels.block;
          const graph::Tensor weight = noise.tensor({out, in, 1, 1});
          const graph::Tensor bias = noise.tensor({out});
          const Planes planes = noise.planes(in, size.height * size.width);
          const Blocked map(planes, size.height, size.width, kernels.block);
          Blocked result(out, size.height, size.width, kernels.block);
          const Pointwise layer =
              make_pointwise(kernels, weight, make_epilogue(kernels, bias, 0.1F));
          run(layer, map.map, result.pointers());
          expect_near(result, convolved(planes, size.height, size.width, weight, bias, 0.1F, 1),
                      what);
          const Planes more = noise.planes(out, size.height * size.width);
          const Blocked addend(more, size.height, size.width, kernels.block);
          run(layer, map.map, result.pointers(), addend.as_addend());
          expect_near(result,
                      convolved(planes, size.height, size.width, weight, bias, 0.1F, 1, more),
                      what + " with an addend");
        }
      },
      GetParam());
}

TEST_P(Products, SeparableEqualsPlainLoops) {
  for_all(
      [](const Kernels& kernels, const Size& size, const std::string& what) {
        const bool rounds = kernels.type == graph::DataType::kBFloat16;  // what lies between
        for (const std::int64_t stride : {1, 2}) {
          Noise noise(2, kernels.type);
          const std::int64_t in = 2 * kernels.block;
          const std::int64_t out = 3 * kernels.block;
          const graph::Tensor first = noise.tensor({in, 1, 3, 3});
          const graph::Tensor first_bias = noise.tensor({in});
          const graph::Tensor second = noise.tensor({out, in, 1, 1});
          const graph::Tensor second_bias = noise.tensor({out});
          const Planes planes = noise.planes(in, size.height * size.width);
          const Blocked map(planes, size.height, size.width, kernels.block);
          const Size half = {(size.height - 1) / stride + 1, (size.width - 1) / stride + 1};
          Blocked result(out, half.height, half.width, kernels.block);
          const Depthwise depthwise =
              make_depthwise(kernels, first, stride, make_epilogue(kernels, first_bias, 0.1F));
          AlignedBuffer<float> scratch = scratch_of(scratch_floats(depthwise, size.width));
          run(depthwise, make_pointwise(kernels, second, make_epilogue(kernels, second_bias, 0)),
              map.map, result.pointers(), scratch.data());
          const Planes inner =
              convolved(planes, size.height, size.width, first, first_bias, 0.1F, stride);
          expect_near(result, convolved(inner, half.height, half.width, second, second_bias, 0, 1),
                      what + " stride " + std::to_string(stride), rounds ? 5e-3 : 2e-5);
        }
      },
      GetParam());
}

TEST_P(Products, WinogradEqualsPlainLoops) {
  for_all(
      [](const Kernels& kernels, const Size& size, const std::string& what) {
        const bool rounds = kernels.type == graph::DataType::kBFloat16;  // what it has transformed
        for (const std::int64_t unused : {0, 3}) {  // of the last block of outputs
          Noise noise(3, kernels.type);
          const std::int64_t in = 2 * kernels.block;
          const std::int64_t out = 3 * kernels.block - unused;
          const graph::Tensor weight = noise.tensor({out, in, 3, 3});
          const graph::Tensor bias = noise.tensor({out});
          const Planes planes = noise.planes(in, size.height * size.width);
          const Blocked map(planes, size.height, size.width, kernels.block);
          Blocked result(out, size.height, size.width, kernels.block);
          const Winograd layer = make_winograd(kernels, weight, make_epilogue(kernels, bias, 0.2F));
          AlignedBuffer<float> scratch = scratch_of(scratch_floats(layer));
          run(layer, map.map, result.pointers(), scratch.data());
          expect_near(result, convolved(planes, size.height, size.width, weight, bias, 0.2F, 1),
                      what, rounds ? 2e-2 : 2e-5);
          const Planes more = noise.planes(out, size.height * size.width);
          const Blocked addend(more, size.height, size.width, kernels.block);
          run(layer, map.map, result.pointers(), scratch.data(), addend.as_addend());
          expect_near(result,
                      convolved(planes, size.height, size.width, weight, bias, 0.2F, 1, more),
                      what + " with an addend", rounds ? 2e-2 : 2e-5);
        }
      },
      GetParam());
}

// Of a source of which only the last rows are there, into a result of the same kind.
TEST_P(Products, WinogradOfAFewRowsEqualsThatOfAll) {
  for_all(
      [](const Kernels& kernels, const Size& size, const std::string& what) {
        constexpr std::int64_t kRing = 12;
        Noise noise(9, kernels.type);
        const std::int64_t in = 2 * kernels.block;
        const Planes planes = noise.planes(in, size.height * size.width);
        const Blocked map(planes, size.height, size.width, kernels.block);
        const Winograd layer =
            make_winograd(kernels, noise.tensor({kernels.block, in, 3, 3}),
                          make_epilogue(kernels, noise.tensor({kernels.block}), 0.2F));
        AlignedBuffer<float> scratch = scratch_of(scratch_floats(layer));
        Blocked whole(kernels.block, size.height, size.width, kernels.block);
        run(layer, map.map, whole.pointers(), scratch.data());
        Blocked ring(in, kRing, size.width, kernels.block);
        ring.map.height = size.height;
        ring.map.ring_rows = kRing;
        Blocked result(kernels.block, size.height, size.width, kernels.block);
        const std::int64_t row = size.width * kernels.block;
        std::int64_t there = 0;
        for (RowRange rows; rows.begin < size.height; rows.begin = rows.end) {
          rows.end = std::min(size.height, rows.begin + 4);
          for (; there < std::min(size.height, rows.end + 1); ++there) {
            for (std::int64_t b = 0; b < 2; ++b) {
              std::copy_n(
                  map.map.data + b * map.map.block_stride + there * row, row,
                  ring.map.data + b * ring.map.block_stride + ring.map.place_of(there) * row);
            }
          }
          run(layer, ring.map, result.pointers().behind(rows.begin * row), rows, scratch.data());
        }
        EXPECT_EQ(result.values(), whole.values()) << what;
      },
      GetParam());
}

/// What says values of -1 to 1.
graph::ByteCode unit_code(std::int64_t channels) {
  return {std::vector<float>(static_cast<std::size_t>(channels), 2.0F / 255),
          std::vector<std::uint8_t>(static_cast<std::size_t>(channels), 128)};
}

TEST(WordWinograd, EqualsPlainLoopsButForItsRounding) {
  for_all([](const Kernels& kernels, const Size& size, const std::string& what) {
    if (!kernels.has_word_products) return;
    for (const std::int64_t unused : {0, 3}) {  // of the last blocks
      Noise noise(3);
      const std::int64_t in = 4 * kernels.block;
      const std::int64_t out = 3 * kernels.block - unused;
      const graph::Tensor weight = noise.tensor({out, in, 3, 3});
      const graph::Tensor bias = noise.tensor({out});
      Planes planes = noise.planes(in, size.height * size.width);
      for (std::int64_t c = in - unused; c < in; ++c) {
        std::ranges::fill(planes[static_cast<std::size_t>(c)], 0);
      }
      const Blocked map(planes, size.height, size.width, kernels.block);
      Blocked result(out, size.height, size.width, kernels.block);
      const Winograd layer = make_word_winograd(kernels, weight, make_epilogue(kernels, bias, 0.2F),
                                                unit_code(in - unused));
      AlignedBuffer<float> scratch = scratch_of(scratch_floats(layer));
      const Planes more = noise.planes(out, size.height * size.width);
      const Blocked addend(more, size.height, size.width, kernels.block);
      run(layer, map.map, result.pointers(), scratch.data(), addend.as_addend());
      expect_near(result, convolved(planes, size.height, size.width, weight, bias, 0.2F, 1, more),
                  what, 4e-3);
    }
  });
}

/// The largest sums that there can be: of inputs that the transform makes most of, each of the sign
/// of its transformed weight. One more of anything would leave 32 bits.
TEST(WordWinograd, HoldsTheLargestSums) {
  for (const Kernels* const kernels : available()) {
    if (!kernels->has_word_products) continue;
    Noise noise(4);
    const std::int64_t in = 1024;
    const std::int64_t out = kernels->block;
    const graph::Tensor weight = noise.tensor({out, in, 3, 3});
    const graph::Tensor bias = graph::Tensor::of_shape({out});
    constexpr std::array<double, 6> kSigns = {0, -1, -1, 1, 1, 0};  // row 1 of the transform's
    Planes planes(static_cast<std::size_t>(in), std::vector<double>(16));
    for (std::size_t c = 0; c < planes.size(); ++c) {
      double transformed = 0;
      for (std::size_t tap = 0; tap < 9; ++tap) {
        transformed +=
            double{weight.values()[c * 9 + tap]} * kWinogradG[1][tap / 3] * kWinogradG[1][tap % 3];
      }
      for (std::size_t cell = 0; cell < 16; ++cell) {
        planes[c][cell] = (transformed < 0 ? -1 : 1) * kSigns[cell / 4 + 1] * kSigns[cell % 4 + 1];
      }
    }
    const Blocked map(planes, 4, 4, kernels->block);
    Blocked result(out, 4, 4, kernels->block);
    const Winograd layer =
        make_word_winograd(*kernels, weight, make_epilogue(*kernels, bias, 1), unit_code(in));
    AlignedBuffer<float> scratch = scratch_of(scratch_floats(layer));
    run(layer, map.map, result.pointers(), scratch.data());
    // Words of 1024 inputs are of six bits; a sum that does not fit is off by more than all.
    expect_near(result, convolved(planes, 4, 4, weight, bias, 1, 1), kernels->name, 1.5e-2);
  }
}

TEST_P(Products, AreTheSameWhereTheyAreWrittenPastTheCaches) {
  for_all(
      [](const Kernels& kernels, const Size& size, const std::string& what) {
        Noise noise(5, kernels.type);
        const std::int64_t in = 2 * kernels.block;
        const std::int64_t out = 3 * kernels.block;
        const graph::Tensor bias = noise.tensor({out});
        const auto epilogue = [&] { return make_epilogue(kernels, bias, 0.2F); };
        const Winograd winograd = make_winograd(kernels, noise.tensor({out, in, 3, 3}), epilogue());
        const Pointwise pointwise =
            make_pointwise(kernels, noise.tensor({out, in, 1, 1}), epilogue());
        const Depthwise depthwise =
            make_depthwise(kernels, noise.tensor({in, 1, 3, 3}), 1,
                           make_epilogue(kernels, noise.tensor({in}), 0.1F));
        const Blocked map(noise.planes(in, size.height * size.width), size.height, size.width,
                          kernels.block);
        AlignedBuffer<float> scratch =
            scratch_of(std::max(scratch_floats(winograd), scratch_floats(depthwise, size.width)));
        const auto results = [&](bool streams) {
          Blocked first(out, size.height, size.width, kernels.block);
          Blocked second(out, size.height, size.width, kernels.block);
          Blocked third(out, size.height, size.width, kernels.block);
          run(winograd, map.map, first.pointers(streams), scratch.data());
          run(pointwise, map.map, second.pointers(streams));
          run(depthwise, pointwise, map.map, third.pointers(streams), scratch.data());
          return std::array{first.values(), second.values(), third.values()};
        };
        EXPECT_EQ(results(true), results(false)) << what;
      },
      GetParam());
}

// Of 1x1 and 3x3, each at strides 1 and 2, of channels that fill no blocks, with and without an
// addend; more cells than are gathered at once, and more channels.
TEST_P(Products, DenseEqualsPlainLoops) {
  for_all(
      [](const Kernels& kernels, const Size& size, const std::string& what) {
        for (const auto& [kernel, stride, in] : {std::tuple{1, 1, 3 * kernels.block - 2},
                                                 {1, 2, 40 * kernels.block},
                                                 {3, 1, kernels.block + 1},
                                                 {3, 2, 5 * kernels.block}}) {
          Noise noise(7, kernels.type);
          const std::int64_t out = 3 * kernels.block - 5;
          const graph::Tensor weight = noise.tensor({out, in, kernel, kernel});
          const graph::Tensor bias = noise.tensor({out});
          const Planes planes = noise.planes(in, size.height * size.width);
          const Blocked map(planes, size.height, size.width, kernels.block);
          const Size small = {(size.height - 1) / stride + 1, (size.width - 1) / stride + 1};
          const Planes more = noise.planes(out, small.height * small.width);
          const Blocked addend(more, small.height, small.width, kernels.block);
          Blocked result(out, small.height, small.width, kernels.block);
          const Dense layer =
              make_dense(kernels, weight, stride, kernel / 2, make_epilogue(kernels, bias, 0.3F));
          AlignedBuffer<float> scratch = scratch_of(scratch_floats(layer));
          const std::string which = what + fmt::format(" {}x{} stride {}", kernel, kernel, stride);
          run(layer, map.map, result.pointers(), scratch.data());
          expect_near(result,
                      convolved(planes, size.height, size.width, weight, bias, 0.3F, stride),
                      which);
          run(layer, map.map, result.pointers(), scratch.data(), addend.as_addend());
          expect_near(result,
                      convolved(planes, size.height, size.width, weight, bias, 0.3F, stride, more),
                      which + " with an addend");
        }
      },
      GetParam());
}

TEST(Kernels, StemEqualsPlainLoops) {
  for_all([](const Kernels& kernels, const Size& size, const std::string& what) {
    Noise noise(4);
    const std::int64_t out = 2 * kernels.block;
    const graph::Tensor first = noise.tensor({kStemChannels, 3, 3, 3});
    const graph::Tensor first_bias = noise.tensor({kStemChannels});
    const graph::Tensor second = noise.tensor({kStemChannels, 1, 3, 3});
    const graph::Tensor second_bias = noise.tensor({kStemChannels});
    const graph::Tensor third = noise.tensor({out, kStemChannels, 1, 1});
    const graph::Tensor third_bias = noise.tensor({out});
    const Planes planes = noise.planes(3, size.height * size.width);
    const Blocked image(planes, size.height, size.width, 1);
    const Size half = {(size.height + 1) / 2, (size.width + 1) / 2};
    Blocked result(out, half.height, half.width, kernels.block);
    const Stem layer = make_stem(kernels, first, make_epilogue(kernels, first_bias, 0.1F), second,
                                 make_epilogue(kernels, second_bias, 0.1F), third,
                                 make_epilogue(kernels, third_bias, 0.1F));
    AlignedBuffer<float> scratch = scratch_of(scratch_floats(layer, size.width));
    run(layer, {size.height, size.width, image.map.data}, result.pointers(), scratch.data());
    const Planes one = convolved(planes, size.height, size.width, first, first_bias, 0.1F, 2);
    const Planes two = convolved(one, half.height, half.width, second, second_bias, 0.1F, 1);
    expect_near(result, convolved(two, half.height, half.width, third, third_bias, 0.1F, 1), what);
  });
}

/// What the offsets say, by bilinear interpolation; cells outside the map are 0.
Planes deformed(const Planes& in, std::int64_t height, std::int64_t width, const Planes& offsets,
                const graph::Tensor& weight, const graph::Tensor& bias, std::int64_t stride) {
  const std::int64_t kernel = weight.shape[2];
  const std::int64_t points = kernel * kernel;
  const std::int64_t out_width = (width + 2 * (kernel / 2) - kernel) / stride + 1;
  Planes out(static_cast<std::size_t>(weight.shape[0]));
  const auto value = [&](const std::vector<double>& plane, std::int64_t y, std::int64_t x) {
    return y >= 0 && y < height && x >= 0 && x < width
               ? plane[static_cast<std::size_t>(y * width + x)]
               : 0.0;
  };
  for (std::size_t o = 0; o < out.size(); ++o) {
    for (std::size_t cell = 0; cell < offsets[0].size(); ++cell) {
      double sum = double{bias.values()[o]};
      for (std::int64_t p = 0; p < points; ++p) {
        const auto i = static_cast<std::size_t>(p);
        const auto row = static_cast<std::int64_t>(cell) / out_width;
        const auto column = static_cast<std::int64_t>(cell) % out_width;
        const std::int64_t point_row = row * stride - kernel / 2 + p / kernel;
        const std::int64_t point_column = column * stride - kernel / 2 + p % kernel;
        const double y = static_cast<double>(point_row) + offsets[2 * i][cell];
        const double x = static_cast<double>(point_column) + offsets[2 * i + 1][cell];
        const double mask =
            2 / (1 + std::exp(-offsets[static_cast<std::size_t>(2 * points) + i][cell]));
        const auto top = static_cast<std::int64_t>(std::floor(y));
        const auto left = static_cast<std::int64_t>(std::floor(x));
        const double down = y - std::floor(y);
        const double right = x - std::floor(x);
        for (std::size_t c = 0; c < in.size(); ++c) {
          const double sampled = (1 - down) * ((1 - right) * value(in[c], top, left) +
                                               right * value(in[c], top, left + 1)) +
                                 down * ((1 - right) * value(in[c], top + 1, left) +
                                         right * value(in[c], top + 1, left + 1));
          sum +=
              mask * sampled *
              double{weight.values()[(o * in.size() + c) * static_cast<std::size_t>(points) + i]};
        }
      }
      out[o].push_back(sum);
    }
  }
  return out;
}

TEST(Kernels, DeformableEqualsPlainLoops) {
  for_all([](const Kernels& kernels, const Size& size, const std::string& what) {
    for (const std::int64_t stride : {1, 2}) {
      Noise noise(5);
      const std::int64_t in = 2 * kernels.block - 1;
      const std::int64_t out = kernels.block + 1;
      const Size result_size = {(size.height - 1) / stride + 1, (size.width - 1) / stride + 1};
      const graph::Tensor weight = noise.tensor({out, in, 3, 3});
      const graph::Tensor bias = noise.tensor({out});
      const Planes planes = noise.planes(in, size.height * size.width);
      Planes offsets = noise.planes(27, result_size.height * result_size.width);
      for (auto& plane : offsets) {
        for (double& value : plane) value = static_cast<double>(static_cast<float>(3 * value));
      }
      const Blocked map(planes, size.height, size.width, kernels.block);
      const Blocked where(offsets, result_size.height, result_size.width, kernels.block);
      Blocked result(out, result_size.height, result_size.width, kernels.block);
      const Deformable layer =
          make_deformable(kernels, weight, stride, 1, make_epilogue(kernels, bias, 1));
      AlignedBuffer<float> scratch = scratch_of(scratch_floats(layer));
      run(layer, map.map, where.map, result.pointers(), scratch.data());
      expect_near(result, deformed(planes, size.height, size.width, offsets, weight, bias, stride),
                  what + " stride " + std::to_string(stride));
    }
  });
}

TEST(Kernels, UpsamplingEqualsPlainLoops) {
  for_all([](const Kernels& kernels, const Size& size, const std::string& what) {
    Noise noise(6);
    const Size coarse = {(size.height + 1) / 2, (size.width + 1) / 2};
    const Planes from = noise.planes(2 * kernels.block, coarse.height * coarse.width);
    const Planes to = noise.planes(2 * kernels.block, size.height * size.width);
    const Blocked source(from, coarse.height, coarse.width, kernels.block);
    Blocked target(to, size.height, size.width, kernels.block);
    add_upsampled(kernels, source.map, target.map, 2);
    Planes expected = to;
    for (std::size_t c = 0; c < to.size(); ++c) {
      for (std::int64_t y = 0; y < size.height; ++y) {
        for (std::int64_t x = 0; x < size.width; ++x) {
          const std::int64_t cell =
              y * coarse.height / size.height * coarse.width + x * coarse.width / size.width;
          expected[c][static_cast<std::size_t>(y * size.width + x)] +=
              from[c][static_cast<std::size_t>(cell)];
        }
      }
    }
    expect_near(target, expected, what);
  });
}

}  // namespace
}  // namespace retinaface::runtime::kernels
