#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <random>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "base/half.h"
#include "runtime/kernels/kernels.h"

// What tests of kernels share: plain loops over planar maps, and maps in blocks.
namespace retinaface::runtime::kernels {

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

inline double activated(double sum, float slope) {
  return std::max(sum, sum * double{slope});
}

/// Cross-correlation with zero padding, groups of one channel or all (shape[1] of the weight).
inline Planes convolved(const Planes& in, std::int64_t height, std::int64_t width,
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

inline void expect_near(Blocked& actual, const Planes& expected, const std::string& what,
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

inline AlignedBuffer<float> scratch_of(std::size_t floats) {
  AlignedBuffer<float> scratch(floats);
  std::ranges::fill(scratch, NAN);  // a kernel may count on nothing there
  return scratch;
}

struct Size {
  std::int64_t height;
  std::int64_t width;
};
inline constexpr Size kSizes[] = {{1, 1}, {1, 23}, {19, 1}, {4, 4}, {5, 7}, {13, 31}, {40, 33}};

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

}  // namespace retinaface::runtime::kernels
