#include "runtime/kernels/bytes.h"

#include <algorithm>
#include <cmath>
#include <random>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "runtime/kernels/kernels.h"

// Each operator on each instruction set that the machine has, against plain loops over bytes in
// planes: the same bytes, not about the same.
namespace retinaface::runtime::kernels {
namespace {

using Planes = std::vector<std::vector<std::uint8_t>>;  // by channel, row by row

class Noise {
 public:
  explicit Noise(std::uint64_t seed) : generator_(seed) {}
  float operator()(float from, float to) {
    return std::uniform_real_distribution<float>(from, to)(generator_);
  }
  graph::Tensor tensor(std::vector<std::int64_t> shape) {
    graph::Tensor tensor = graph::Tensor::of_shape(std::move(shape));
    for (float& value : tensor.values()) value = (*this)(-1, 1);
    return tensor;
  }
  std::uint8_t byte() { return static_cast<std::uint8_t>(generator_() & 0xFFU); }
  ByteCode code(std::size_t channels, float scale) {
    ByteCode code;
    for (std::size_t c = 0; c < channels; ++c) {
      code.scale.push_back(scale * (*this)(0.5F, 2));
      code.zero.push_back(static_cast<std::uint8_t>(byte() / 4));
    }
    return code;
  }
  Planes planes(std::size_t channels, std::int64_t cells) {
    Planes planes(channels);
    for (auto& plane : planes) {
      // Many of the largest byte, which is what would not fit into 16 bits.
      for (std::int64_t i = 0; i < cells; ++i) plane.push_back(byte() < 80 ? 255 : byte());
    }
    return planes;
  }

 private:
  std::mt19937_64 generator_;
};

struct Size {
  std::int64_t height;
  std::int64_t width;
};

/// A byte map in blocks, its border and what fills its last block as a kernel before would leave
/// it.
struct Blocked {
  Blocked(std::int64_t channels, const Size& size, std::int64_t block)
      : blocks((channels + block - 1) / block) {
    map = {nullptr, size.height, size.width, block};
    values = AlignedBuffer<std::uint8_t>(
        static_cast<std::size_t>(blocks * map.block_bytes() + kByteMapSlack));
    std::ranges::fill(values, std::uint8_t{77});
    map.data = values.data();
  }
  Blocked(const Planes& planes, const ByteCode& code, const Size& size, std::int64_t block)
      : Blocked(static_cast<std::int64_t>(planes.size()), size, block) {
    for (std::size_t c = 0; c < planes.size(); ++c) {
      for (std::int64_t y = -1; y <= size.height; ++y) {
        for (std::int64_t x = -1; x <= size.width; ++x) {
          const bool inside = y >= 0 && y < size.height && x >= 0 && x < size.width;
          at(c, y, x) =
              inside ? planes[c][static_cast<std::size_t>(y * size.width + x)] : code.zero[c];
        }
      }
    }
  }
  std::uint8_t& at(std::size_t channel, std::int64_t y, std::int64_t x) const {
    const auto c = static_cast<std::int64_t>(channel);
    return map.row(c / map.cell_bytes, y)[x * map.cell_bytes + c % map.cell_bytes];
  }
  std::int64_t blocks;
  AlignedBuffer<std::uint8_t> values;
  ByteMap map;
};

/// The sums of products, by channel, and their scale, by the definition: (byte - zero) * weight.
struct Sums {
  std::vector<std::vector<std::int64_t>> values;
  std::vector<float> scale;
};

Sums convolved(const Planes& in, const ByteCode& code, const Size& size,
               const graph::Tensor& weight, const graph::Tensor& bias, std::int64_t stride) {
  const ByteWeights bytes = byte_weights(weight, code);
  const std::int64_t kernel = weight.shape[2];
  const std::int64_t ins = weight.shape[1];
  const bool depthwise = ins == 1 && in.size() > 1;
  Sums sums{std::vector<std::vector<std::int64_t>>(static_cast<std::size_t>(weight.shape[0])),
            bytes.scale};
  for (std::size_t o = 0; o < sums.values.size(); ++o) {
    const auto start = static_cast<std::int64_t>(
        std::nearbyint(double{bias.values()[o]} / double{bytes.scale[o]}));
    for (std::int64_t y = 0; y < (size.height - 1) / stride + 1; ++y) {
      for (std::int64_t x = 0; x < (size.width - 1) / stride + 1; ++x) {
        std::int64_t sum = start;
        for (std::int64_t i = 0; i < ins; ++i) {
          const std::size_t c = depthwise ? o : static_cast<std::size_t>(i);
          for (std::int64_t tap = 0; tap < kernel * kernel; ++tap) {
            const std::int64_t in_y = y * stride + tap / kernel - kernel / 2;
            const std::int64_t in_x = x * stride + tap % kernel - kernel / 2;
            if (in_y < 0 || in_y >= size.height || in_x < 0 || in_x >= size.width) continue;
            const auto at = (static_cast<std::int64_t>(o) * ins + i) * kernel * kernel + tap;
            sum += (std::int64_t{in[c][static_cast<std::size_t>(in_y * size.width + in_x)]} -
                    code.zero[c]) *
                   bytes.bytes[static_cast<std::size_t>(at)];
          }
        }
        sums.values[o].push_back(sum);
      }
    }
  }
  return sums;
}

std::uint8_t as_byte(float value) {
  return static_cast<std::uint8_t>(std::clamp(std::nearbyint(value), 0.0F, 255.0F));
}

float activated(std::int64_t sum, float scale, float slope, float offset) {
  const auto value = static_cast<float>(sum);
  return std::max(std::fma(value, scale, offset), std::fma(value, scale * slope, offset));
}

Planes encoded(const Sums& sums, float slope, const ByteCode& code) {
  Planes planes(sums.values.size());
  for (std::size_t c = 0; c < planes.size(); ++c) {
    for (const std::int64_t sum : sums.values[c]) {
      planes[c].push_back(as_byte(
          activated(sum, sums.scale[c] / code.scale[c], slope, static_cast<float>(code.zero[c]))));
    }
  }
  return planes;
}

/// How many bytes differ, of the map and of its border.
int differences(const Blocked& actual, const Planes& expected, const ByteCode& code) {
  int different = 0;
  const ByteMap& map = actual.map;
  for (std::size_t c = 0; c < expected.size(); ++c) {
    for (std::int64_t y = -1; y <= map.height; ++y) {
      for (std::int64_t x = -1; x <= map.width; ++x) {
        const bool inside = y >= 0 && y < map.height && x >= 0 && x < map.width;
        different +=
            actual.at(c, y, x) !=
            (inside ? expected[c][static_cast<std::size_t>(y * map.width + x)] : code.zero[c]);
      }
    }
  }
  return different;
}

template <typename Test>
void for_all(Test&& test) {
  if (available_byte_kernels().empty()) GTEST_SKIP() << "this processor has none of them";
  for (const ByteKernels* kernels : available_byte_kernels()) {
    for (const Size size : {Size{1, 1}, {1, 13}, {7, 1}, {2, 2}, {5, 19}, {16, 24}, {13, 41}}) {
      test(*kernels, size,
           std::string(kernels->name) + " " + std::to_string(size.width) + "x" +
               std::to_string(size.height));
    }
  }
}

/// Scratch memory, behind which nothing is to be written.
class GuardedWords {
 public:
  explicit GuardedWords(std::size_t count) : buffer_(count + kGuard) {
    std::ranges::fill(buffer_, kMark);
  }
  ~GuardedWords() {
    EXPECT_EQ(std::count(buffer_.end() - kGuard, buffer_.end(), kMark), kGuard)
        << "written beyond the scratch memory";
  }
  GuardedWords(const GuardedWords&) = delete;
  GuardedWords& operator=(const GuardedWords&) = delete;
  std::int32_t* data() { return buffer_.data(); }

 private:
  static constexpr std::ptrdiff_t kGuard = 64;
  static constexpr std::int32_t kMark = -12345;
  AlignedBuffer<std::int32_t> buffer_;
};

TEST(ByteKernels, HaveTheBlockOfTheFloatKernels) {
  if (best_byte_kernels() == nullptr) GTEST_SKIP() << "this processor has none of them";
  EXPECT_EQ(best_byte_kernels()->block, best()->block);
}

TEST(ByteKernels, WeightsAreWithinHalfAStepAndPairsFit) {
  Noise noise(1);
  for (const bool depthwise : {false, true}) {
    const graph::Tensor weight = noise.tensor(depthwise ? std::vector<std::int64_t>{32, 1, 3, 3}
                                                        : std::vector<std::int64_t>{32, 7, 3, 3});
    const ByteCode code = noise.code(depthwise ? 32 : 7, 1);
    const ByteWeights bytes = byte_weights(weight, code);
    const std::size_t per_out = weight.size() / 32;
    for (std::size_t i = 0; i < weight.size(); ++i) {
      const float from = code.scale[depthwise ? i / 9 : i % per_out / 9];
      EXPECT_NEAR(bytes.scale[i / per_out] * bytes.bytes[i], weight.values()[i] * from,
                  0.501F * bytes.scale[i / per_out]);
      // The neighbour: the row below, or the next input.
      const bool has_next = depthwise ? i % 9 < 3 : i % per_out / 9 % 2 == 0 && i % per_out / 9 < 6;
      if (!has_next) continue;
      const int a = bytes.bytes[i];
      const int b = bytes.bytes[i + (depthwise ? 3 : 9)];
      EXPECT_LE(std::max(a, 0) + std::max(b, 0), 128);
      EXPECT_LE(std::max(-a, 0) + std::max(-b, 0), 128);
    }
  }
}

TEST(ByteKernels, ConvolutionsEqualPlainLoops) {
  for_all([](const ByteKernels& kernels, const Size& size, const std::string& what) {
    for (const std::int64_t kernel : {1, 3}) {
      for (const std::int64_t out_blocks : {1, 3, 4}) {
        Noise noise(2);
        const std::int64_t ins = 2 * kernels.block;
        const std::int64_t outs = out_blocks * kernels.block;
        const ByteCode in_code = noise.code(static_cast<std::size_t>(ins), 0.01F);
        const ByteCode out_code = noise.code(static_cast<std::size_t>(outs), 0.2F);
        const Planes planes = noise.planes(static_cast<std::size_t>(ins), size.height * size.width);
        const graph::Tensor weight = noise.tensor({outs, ins, kernel, kernel});
        const graph::Tensor bias = noise.tensor({outs});
        const Blocked in(planes, in_code, size, kernels.block);
        const Sums sums = convolved(planes, in_code, size, weight, bias, 1);

        const ByteConvolution layer =
            make_byte_convolution(kernels, weight, bias, 1, 0.1F, in_code, &out_code);
        GuardedWords scratch(scratch_words(layer));
        const Blocked out(outs, size, kernels.block);
        kernels.convolution(layer, in.map, &out.map, nullptr, scratch.data());
        EXPECT_EQ(differences(out, encoded(sums, 0.1F, out_code), out_code), 0) << what;

        const ByteConvolution to_floats =
            make_byte_convolution(kernels, weight, bias, 1, 1, in_code, nullptr);
        AlignedBuffer<float> values(static_cast<std::size_t>(outs * size.height * size.width));
        const FloatTarget target = {values.data(), size.height * size.width * kernels.block};
        kernels.convolution(to_floats, in.map, nullptr, &target, scratch.data());
        int different = 0;
        for (std::int64_t c = 0; c < outs; ++c) {
          const auto channel = static_cast<std::size_t>(c);
          for (std::size_t i = 0; i < sums.values[channel].size(); ++i) {
            const auto at = static_cast<std::size_t>(c / kernels.block * target.block_stride +
                                                     static_cast<std::int64_t>(i) * kernels.block +
                                                     c % kernels.block);
            different +=
                values[at] != activated(sums.values[channel][i], sums.scale[channel], 1, 0);
          }
        }
        EXPECT_EQ(different, 0) << what;
      }
    }
  });
}

TEST(ByteKernels, TheImagesConvolutionEqualsPlainLoops) {
  for_all([](const ByteKernels& kernels, const Size& size, const std::string& what) {
    Noise noise(3);
    const std::int64_t outs = kernels.block;
    ByteCode in_code = {{1, 1, 1}, {104, 117, 123}};
    const ByteCode out_code = noise.code(static_cast<std::size_t>(outs), 2);
    const Planes planes = noise.planes(3, size.height * size.width);
    // As preprocessing leaves it.
    std::vector<float> image;
    for (std::size_t c = 0; c < 3; ++c) {
      for (const std::uint8_t byte : planes[c]) {
        image.push_back(static_cast<float>(byte) - static_cast<float>(in_code.zero[c]));
      }
    }
    const Blocked in(3, size, kPixelBytes);
    kernels.to_bytes(make_to_bytes(kernels, in_code, true), image.data(), in.map);
    EXPECT_EQ(differences(in, planes, in_code), 0) << what;

    const graph::Tensor weight = noise.tensor({outs, 3, 3, 3});
    const graph::Tensor bias = noise.tensor({outs});
    const ByteConvolution layer =
        make_byte_convolution(kernels, weight, bias, 2, 0.1F, in_code, &out_code);
    GuardedWords scratch(scratch_words(layer));
    const Size half = {(size.height + 1) / 2, (size.width + 1) / 2};
    const Blocked out(outs, half, kernels.block);
    kernels.convolution(layer, in.map, &out.map, nullptr, scratch.data());
    const Sums sums = convolved(planes, in_code, size, weight, bias, 2);
    EXPECT_EQ(differences(out, encoded(sums, 0.1F, out_code), out_code), 0) << what;
  });
}

TEST(ByteKernels, SeparableEqualsPlainLoops) {
  for_all([](const ByteKernels& kernels, const Size& size, const std::string& what) {
    for (const std::int64_t stride : {1, 2}) {
      for (const std::int64_t unused : {0, 3}) {  // of the last block of inputs
        Noise noise(4);
        const std::int64_t ins = 2 * kernels.block - unused;
        const std::int64_t outs = 3 * kernels.block;
        const ByteCode in_code = noise.code(static_cast<std::size_t>(ins), 0.01F);
        const ByteCode inner_code = noise.code(static_cast<std::size_t>(ins), 0.03F);
        const ByteCode out_code = noise.code(static_cast<std::size_t>(outs), 0.1F);
        const Planes planes = noise.planes(static_cast<std::size_t>(ins), size.height * size.width);
        const graph::Tensor first = noise.tensor({ins, 1, 3, 3});
        const graph::Tensor first_bias = noise.tensor({ins});
        const graph::Tensor second = noise.tensor({outs, ins, 1, 1});
        const graph::Tensor second_bias = noise.tensor({outs});
        const Blocked in(planes, in_code, size, kernels.block);
        const ByteDepthwise depthwise =
            make_byte_depthwise(kernels, first, first_bias, stride, 0.1F, in_code, inner_code);
        const ByteConvolution pointwise =
            make_byte_convolution(kernels, second, second_bias, 1, 0.1F, inner_code, &out_code);
        GuardedWords scratch(scratch_words(depthwise, pointwise, size.width));
        const Size small = {(size.height - 1) / stride + 1, (size.width - 1) / stride + 1};
        const Blocked out(outs, small, kernels.block);
        kernels.separable(depthwise, pointwise, in.map, &out.map, nullptr, {0, small.height},
                          scratch.data());

        const Planes inner =
            encoded(convolved(planes, in_code, size, first, first_bias, stride), 0.1F, inner_code);
        const Sums sums = convolved(inner, inner_code, small, second, second_bias, 1);
        EXPECT_EQ(differences(out, encoded(sums, 0.1F, out_code), out_code), 0)
            << what << " stride " << stride;
      }
    }
  });
}

TEST(ByteKernels, TwoConvolutionsAsOneYieldWhatEachDoes) {
  for_all([](const ByteKernels& kernels, const Size& size, const std::string& what) {
    for (const std::int64_t kernel : {1, 3}) {
      Noise noise(7);
      const std::int64_t block = kernels.block;
      const ByteCode in_code = noise.code(static_cast<std::size_t>(block), 0.01F);
      const Planes planes = noise.planes(static_cast<std::size_t>(block), size.height * size.width);
      const Blocked in(planes, in_code, size, block);
      const ByteCode codes[] = {noise.code(static_cast<std::size_t>(2 * block), 0.1F),
                                noise.code(static_cast<std::size_t>(block), 0.1F)};
      const graph::Tensor both = noise.tensor({3 * block, block, kernel, kernel});
      const graph::Tensor bias = noise.tensor({3 * block});
      std::vector<float> slopes(static_cast<std::size_t>(2 * block), 0.0F);
      slopes.resize(static_cast<std::size_t>(3 * block), 0.1F);
      const ByteCode joined = graph::joined(codes[0], codes[1]);
      ByteConvolution layer =
          make_byte_convolution(kernels, both, bias, 1, slopes, in_code, &joined);
      layer.first_blocks = 2;
      GuardedWords scratch(scratch_words(layer));
      const Blocked first(2 * block, size, block);
      const Blocked second(block, size, block);
      const ByteMap targets[] = {first.map, second.map};
      kernels.convolution(layer, in.map, targets, nullptr, scratch.data());

      const Sums sums = convolved(planes, in_code, size, both, bias, 1);
      const auto part = [&](std::size_t begin, std::size_t end) {
        Sums some;
        for (std::size_t c = begin; c < end; ++c) {
          some.values.push_back(sums.values[c]);
          some.scale.push_back(sums.scale[c]);
        }
        return some;
      };
      const auto channels = static_cast<std::size_t>(block);
      EXPECT_EQ(differences(first, encoded(part(0, 2 * channels), 0, codes[0]), codes[0]), 0)
          << what;
      EXPECT_EQ(
          differences(second, encoded(part(2 * channels, 3 * channels), 0.1F, codes[1]), codes[1]),
          0)
          << what;
    }
  });
}

/// Pixels of an image, `bytes` each, of which the network's channels are the first three, in the
/// other order if `turned`.
std::vector<std::uint8_t> pixels_of(const Planes& planes, std::size_t bytes, bool turned) {
  std::vector<std::uint8_t> pixels;
  for (std::size_t i = 0; i < planes[0].size(); ++i) {
    for (std::size_t b = 0; b < bytes; ++b) {
      pixels.push_back(b == 3 ? std::uint8_t{99} : planes[turned ? 2 - b : b][i]);
    }
  }
  return pixels;
}

TEST(ByteKernels, TheStemEqualsPlainLoops) {
  for_all([](const ByteKernels& kernels, const Size& size, const std::string& what) {
    Noise noise(8);
    const ByteCode image_code = {{1, 1, 1}, {104, 117, 123}};
    const auto channels = static_cast<std::size_t>(kStemChannels);
    const ByteCode first_code = noise.code(channels, 2);
    const ByteCode second_code = noise.code(channels, 2);
    const std::int64_t outs = 2 * kernels.block;
    const ByteCode out_code = noise.code(static_cast<std::size_t>(outs), 2);
    const graph::Tensor first = noise.tensor({kStemChannels, 3, 3, 3});
    const graph::Tensor first_bias = noise.tensor({kStemChannels});
    const graph::Tensor second = noise.tensor({kStemChannels, 1, 3, 3});
    const graph::Tensor second_bias = noise.tensor({kStemChannels});
    const graph::Tensor third = noise.tensor({outs, kStemChannels, 1, 1});
    const graph::Tensor third_bias = noise.tensor({outs});
    const ByteStem layer = make_byte_stem(kernels, {&first, &first_bias, 0.1F, &first_code},
                                          {&second, &second_bias, 0.1F, &second_code},
                                          {&third, &third_bias, 0.1F, &out_code}, image_code);
    const float mean[] = {104, 117, 123};
    EXPECT_TRUE(reads_pixels(layer, mean));
    const float other_mean[] = {104, 117, 122};
    EXPECT_FALSE(reads_pixels(layer, other_mean));

    const Planes planes = noise.planes(3, size.height * size.width);
    const Size half = {(size.height + 1) / 2, (size.width + 1) / 2};
    const Planes one =
        encoded(convolved(planes, image_code, size, first, first_bias, 2), 0.1F, first_code);
    const Planes two =
        encoded(convolved(one, first_code, half, second, second_bias, 1), 0.1F, second_code);
    const Planes expected =
        encoded(convolved(two, second_code, half, third, third_bias, 1), 0.1F, out_code);
    // Row by row, as a chain asks for them.
    const auto run = [&](const StemInput& in) {
      GuardedWords scratch(scratch_words(layer, size.width));
      const Blocked out(outs, half, kernels.block);
      for (std::int64_t y = 0; y < half.height; ++y) {
        kernels.stem(layer, in, &out.map, nullptr, {y, y + 1}, scratch.data());
      }
      return differences(out, expected, out_code);
    };

    std::vector<float> floats;
    for (std::size_t c = 0; c < 3; ++c) {
      for (const std::uint8_t byte : planes[c])
        floats.push_back(static_cast<float>(byte) - mean[c]);
    }
    EXPECT_EQ(run({size.height, size.width, floats.data()}), 0) << what << " of floats";
    for (const bool turned : {false, true}) {
      for (const PixelFormat format : {PixelFormat::kRgb, PixelFormat::kRgba}) {
        const int bytes = bytes_per_pixel(format);
        const std::vector<std::uint8_t> pixels =
            pixels_of(planes, static_cast<std::size_t>(bytes), turned);
        PixelSource source = {{pixels.data(), static_cast<int>(size.width),
                               static_cast<int>(size.height), bytes * size.width, format},
                              {0, 1, 2},
                              {104, 117, 123}};
        if (turned) source.channel = {2, 1, 0};
        EXPECT_EQ(run({size.height, size.width, nullptr, &source}), 0)
            << what << ", pixels of " << bytes << " bytes";
      }
    }
  });
}

TEST(ByteKernels, TheStemSeesTheMeanBeyondTheImage) {
  for (const ByteKernels* kernels : available_byte_kernels()) {
    Noise noise(9);
    const ByteCode image_code = {{1, 1, 1}, {104, 117, 123}};
    const ByteCode code = noise.code(static_cast<std::size_t>(kStemChannels), 2);
    const std::int64_t outs = kernels->block;
    const ByteCode out_code = noise.code(static_cast<std::size_t>(outs), 2);
    const graph::Tensor first = noise.tensor({kStemChannels, 3, 3, 3});
    const graph::Tensor second = noise.tensor({kStemChannels, 1, 3, 3});
    const graph::Tensor third = noise.tensor({outs, kStemChannels, 1, 1});
    const graph::Tensor bias = noise.tensor({kStemChannels});
    const graph::Tensor last_bias = noise.tensor({outs});
    const ByteStem layer =
        make_byte_stem(*kernels, {&first, &bias, 0.1F, &code}, {&second, &bias, 0.1F, &code},
                       {&third, &last_bias, 0.1F, &out_code}, image_code);
    // Gray pixels, 5 x 3 of them in what the network sees as 32 x 32.
    const std::vector<std::uint8_t> gray = {9, 80, 200, 3, 255, 7, 60, 41, 0, 1, 2, 3, 4, 5, 6};
    const PixelSource source = {
        {gray.data(), 5, 3, 5, PixelFormat::kGray}, {0, 1, 2}, {104, 117, 123}};
    std::vector<float> floats(3 * 32 * 32);
    for (std::size_t c = 0; c < 3; ++c) {
      for (std::size_t i = 0; i < gray.size(); ++i) {
        floats[(c * 32 + i / 5) * 32 + i % 5] = static_cast<float>(gray[i]) - source.mean[c];
      }
    }
    GuardedWords scratch(scratch_words(layer, 32));
    const Blocked of_pixels(outs, {16, 16}, kernels->block);
    const Blocked of_floats(outs, {16, 16}, kernels->block);
    kernels->stem(layer, {32, 32, nullptr, &source}, &of_pixels.map, nullptr, {0, 16},
                  scratch.data());
    kernels->stem(layer, {32, 32, floats.data()}, &of_floats.map, nullptr, {0, 16}, scratch.data());
    EXPECT_TRUE(std::ranges::equal(of_pixels.values, of_floats.values)) << kernels->name;
  }
}

TEST(ByteKernels, UpsamplingEqualsPlainLoops) {
  for_all([](const ByteKernels& kernels, const Size& size, const std::string& what) {
    Noise noise(5);
    const auto channels = static_cast<std::size_t>(2 * kernels.block);
    const Size small = {(size.height + 1) / 2, (size.width + 1) / 2};
    const ByteCode fine_code = noise.code(channels, 0.1F);
    const ByteCode coarse_code = noise.code(channels, 0.1F);
    const ByteCode out_code = noise.code(channels, 0.1F);
    const Planes fine = noise.planes(channels, size.height * size.width);
    const Planes coarse = noise.planes(channels, small.height * small.width);
    const Blocked target(fine, fine_code, size, kernels.block);
    const Blocked source(coarse, coarse_code, small, kernels.block);
    const ByteAddition layer = make_byte_addition(kernels, fine_code, coarse_code, out_code);
    kernels.add_upsampled(layer, target.map, source.map, target.map);
    Planes expected = fine;
    for (std::size_t c = 0; c < channels; ++c) {
      for (std::int64_t y = 0; y < size.height; ++y) {
        for (std::int64_t x = 0; x < size.width; ++x) {
          const auto above = coarse[c][static_cast<std::size_t>(
              y * small.height / size.height * small.width + x * small.width / size.width)];
          auto& byte = expected[c][static_cast<std::size_t>(y * size.width + x)];
          byte = as_byte(
              std::fma(static_cast<float>(byte), layer.fine[c],
                       std::fma(static_cast<float>(above), layer.coarse[c], layer.offset[c])));
        }
      }
    }
    EXPECT_EQ(differences(target, expected, out_code), 0) << what;
  });
}

TEST(ByteKernels, ConversionsAreEachOthersInverse) {
  for_all([](const ByteKernels& kernels, const Size& size, const std::string& what) {
    Noise noise(6);
    const auto channels = static_cast<std::size_t>(2 * kernels.block);
    const ByteCode code = noise.code(channels, 0.1F);
    const Planes planes = noise.planes(channels, size.height * size.width);
    const Blocked in(planes, code, size, kernels.block);
    AlignedBuffer<float> floats(channels * static_cast<std::size_t>(size.height * size.width));
    kernels.to_floats(make_to_floats(kernels, code), in.map, floats.data());
    const float first = code.scale[0] * (static_cast<float>(planes[0][0]) - code.zero[0]);
    EXPECT_NEAR(floats[0], first, 1e-4F) << what;
    const Blocked back(static_cast<std::int64_t>(channels), size, kernels.block);
    kernels.to_bytes(make_to_bytes(kernels, code, false), floats.data(), back.map);
    EXPECT_EQ(differences(back, planes, code), 0) << what;
  });
}

}  // namespace
}  // namespace retinaface::runtime::kernels
