#include "runtime/kernels/kernels.h"

#include <algorithm>
#include <cmath>
#include <random>
#include <string>
#include <tuple>
#include <vector>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "base/half.h"

// Each operator on each instruction set that the machine has, against plain loops over planar maps.
namespace retinaface::runtime::kernels {
namespace {

using Planes = std::vector<std::vector<double>>;  // by channel, row by row

class Noise {
 public:
  explicit Noise(std::uint64_t seed, graph::DataType type = graph::DataType::kFloat32)
      : generator_(seed), type_(type) {}
  /// A value that its type holds exactly.
  float operator()() {
    const float value = std::uniform_real_distribution<float>(-1, 1)(generator_);
    return type_ == graph::DataType::kBFloat16 ? float_from_bfloat16(bfloat16_from_float(value))
                                               : value;
  }
  graph::Tensor tensor(std::vector<std::int64_t> shape) {
    graph::Tensor tensor = graph::Tensor::of_shape(std::move(shape));
    for (float& value : tensor.values()) value = (*this)();
    return tensor;
  }
  Planes planes(std::int64_t channels, std::int64_t cells) {
    Planes planes(static_cast<std::size_t>(channels));
    for (std::vector<double>& plane : planes) {
      for (std::int64_t i = 0; i < cells; ++i) plane.push_back(double{(*this)()});
    }
    return planes;
  }

 private:
  std::mt19937_64 generator_;
  graph::DataType type_;
};

/// A map in blocks of B channels, the last filled up with zeros.
struct Blocked {
  Blocked(const Planes& planes, std::int64_t height, std::int64_t width, std::int64_t block)
      : Blocked(static_cast<std::int64_t>(planes.size()), height, width, block) {
    for (std::size_t c = 0; c < planes.size(); ++c) {
      for (std::size_t i = 0; i < planes[c].size(); ++i)
        at(c, i) = static_cast<float>(planes[c][i]);
    }
  }
  Blocked(std::int64_t channels, std::int64_t height, std::int64_t width, std::int64_t block)
      : block_(block),
        blocks_((channels + block - 1) / block),
        values_(static_cast<std::size_t>(blocks_ * block * height * width)),
        map{values_.data(), height, width, height * width * block} {
    std::ranges::fill(values_, 0.0F);
  }
  float& at(std::size_t channel, std::size_t cell) {
    const auto block = static_cast<std::size_t>(block_);
    return values_[(channel / block * static_cast<std::size_t>(map.height * map.width) + cell) *
                       block +
                   channel % block];
  }
  Addend as_addend() const { return {map.data, map.block_stride}; }
  BlockPointers pointers(bool streams = false) {
    pointers_.clear();
    for (std::int64_t b = 0; b < blocks_; ++b) pointers_.push_back(map.data + b * map.block_stride);
    return {pointers_, 0, streams};
  }
  std::vector<float> values() const { return {values_.begin(), values_.end()}; }

 private:
  std::int64_t block_;
  std::int64_t blocks_;
  AlignedBuffer<float> values_;
  std::vector<float*> pointers_;

 public:
  Map map;
};

double activated(double sum, float slope) {
  return std::max(sum, sum * double{slope});
}

/// Cross-correlation with zero padding, groups of one channel or all (shape[1] of the weight).
Planes convolved(const Planes& in, std::int64_t height, std::int64_t width,
                 const graph::Tensor& weight, const graph::Tensor& bias, float slope,
                 std::int64_t stride, const Planes& addend = {}) {
  const auto kernel = weight.shape[2];
  const auto padding = kernel / 2;
  const bool depthwise = weight.shape[1] == 1 && in.size() > 1;
  const std::int64_t out_height = (height + 2 * padding - kernel) / stride + 1;
  const std::int64_t out_width = (width + 2 * padding - kernel) / stride + 1;
  Planes out(static_cast<std::size_t>(weight.shape[0]));
  for (std::size_t o = 0; o < out.size(); ++o) {
    for (std::int64_t y = 0; y < out_height; ++y) {
      for (std::int64_t x = 0; x < out_width; ++x) {
        double sum = double{bias.values()[o]};
        for (std::int64_t i = 0; i < weight.shape[1]; ++i) {
          const std::vector<double>& plane = in[depthwise ? o : static_cast<std::size_t>(i)];
          for (std::int64_t ky = 0; ky < kernel; ++ky) {
            for (std::int64_t kx = 0; kx < kernel; ++kx) {
              const std::int64_t in_y = y * stride + ky - padding;
              const std::int64_t in_x = x * stride + kx - padding;
              if (in_y < 0 || in_y >= height || in_x < 0 || in_x >= width) continue;
              const auto tap =
                  (static_cast<std::int64_t>(o) * weight.shape[1] + i) * kernel * kernel +
                  ky * kernel + kx;
              sum += double{weight.values()[static_cast<std::size_t>(tap)]} *
                     plane[static_cast<std::size_t>(in_y * width + in_x)];
            }
          }
        }
        if (!addend.empty()) sum += addend[o][out[o].size()];
        out[o].push_back(activated(sum, slope));
      }
    }
  }
  return out;
}

void expect_near(Blocked& actual, const Planes& expected, const std::string& what,
                 double tolerance = 2e-5) {
  double largest = 0;
  double difference = 0;
  for (std::size_t c = 0; c < expected.size(); ++c) {
    for (std::size_t i = 0; i < expected[c].size(); ++i) {
      largest = std::max(largest, std::abs(expected[c][i]));
      const double d = std::abs(expected[c][i] - double{actual.at(c, i)});
      if (!(d <= difference)) difference = d;  // a NaN sticks
    }
  }
  EXPECT_GT(largest, 0.1) << what;
  EXPECT_LT(difference, tolerance * largest) << what;
}

AlignedBuffer<float> scratch_of(std::size_t floats) {
  AlignedBuffer<float> scratch(floats);
  std::ranges::fill(scratch, NAN);  // a kernel may count on nothing there
  return scratch;
}

struct Size {
  std::int64_t height;
  std::int64_t width;
};
constexpr Size kSizes[] = {{1, 1}, {1, 23}, {19, 1}, {4, 4}, {5, 7}, {13, 31}, {40, 33}};

/// Calls `test(kernels, size, what)` for every instruction set and size.
template <typename Test>
void for_all(const Test& test, graph::DataType type = graph::DataType::kFloat32) {
  ASSERT_FALSE(available(type).empty());
  for (const Kernels* kernels : available(type)) {
    for (const Size& size : kSizes) {
      test(*kernels, size,
           std::string(kernels->name) + " at " + std::to_string(size.width) + "x" +
               std::to_string(size.height));
    }
  }
}

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

TEST(Kernels, TrainingsWinogradAndItsGradientEqualPlainLoops) {
  for_all([](const Kernels& kernels, const Size& size, const std::string& what) {
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
}  // namespace retinaface::runtime::kernels
