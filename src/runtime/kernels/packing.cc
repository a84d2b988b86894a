// Weights in the layouts that the kernels read, and their gradients back from one.

#include <algorithm>
#include <array>

#include "base/check.h"
#include "runtime/kernels/kernels.h"

namespace retinaface::runtime::kernels {
namespace {

using graph::Tensor;

std::size_t size(std::int64_t n) {
  return static_cast<std::size_t>(n);
}

std::int64_t padded(std::int64_t channels) {
  return (channels + block() - 1) / block() * block();
}

/// Where the weight from input channel `in` to output channel `out` stands for the kernels' inner
/// loop: by pair of out blocks, by input channel, the pair's 2B (a last single block's B) outputs.
std::size_t packed_index(std::int64_t out, std::int64_t in, std::int64_t out_channels,
                         std::int64_t in_channels) {
  const std::int64_t pair = 2 * block();
  const std::int64_t first = out / pair * pair;
  const std::int64_t width = std::min(pair, out_channels - first);
  return size(first * in_channels + in * width + out - first);
}

/// Winograd's transform of 3 weights, with the points 0, 1, -1, 2, -2 and infinity.
constexpr double kG[6][3] = {{1.0 / 4, 0, 0},
                             {-1.0 / 6, -1.0 / 6, -1.0 / 6},
                             {-1.0 / 6, 1.0 / 6, -1.0 / 6},
                             {1.0 / 24, 1.0 / 12, 1.0 / 6},
                             {1.0 / 24, -1.0 / 12, 1.0 / 6},
                             {0, 0, 1}};

/// G g G^T for a 3x3 kernel g.
std::array<double, 36> winograd_weight(const float* g) {
  std::array<double, 36> result;
  for (std::size_t i = 0; i < 6; ++i) {
    double row[3];  // of G g
    for (std::size_t x = 0; x < 3; ++x) {
      row[x] = kG[i][0] * double{g[x]} + kG[i][1] * double{g[3 + x]} + kG[i][2] * double{g[6 + x]};
    }
    for (std::size_t j = 0; j < 6; ++j) {
      result[6 * i + j] = row[0] * kG[j][0] + row[1] * kG[j][1] + row[2] * kG[j][2];
    }
  }
  return result;
}

}  // namespace

Epilogue make_epilogue(const Tensor& bias, float slope) {
  RF_CHECK(slope >= 0 && slope <= 1);
  const std::size_t channels = size(padded(bias.shape[0]));
  Epilogue epilogue{AlignedBuffer<float>(channels), AlignedBuffer<float>(channels)};
  std::ranges::fill(epilogue.bias, 0.0F);
  std::ranges::copy(bias.values(), epilogue.bias.begin());
  std::ranges::fill(epilogue.slope, slope);
  return epilogue;
}

Epilogue joined(const Epilogue& first, const Epilogue& second) {
  const auto join = [](const AlignedBuffer<float>& a, const AlignedBuffer<float>& b) {
    AlignedBuffer<float> both(a.size() + b.size());
    std::ranges::copy(b, std::ranges::copy(a, both.begin()).out);
    return both;
  };
  return {join(first.bias, second.bias), join(first.slope, second.slope)};
}

Pointwise make_pointwise(const Tensor& weight, Epilogue epilogue) {
  const std::int64_t out = weight.shape[0];
  const std::int64_t in = weight.shape[1];
  RF_CHECK(out % block() == 0 && in % block() == 0);
  const std::span<const float> values = weight.values();
  Pointwise layer{in, out, AlignedBuffer<float>(size(out * in)), std::move(epilogue)};
  for (std::int64_t o = 0; o < out; ++o) {
    for (std::int64_t i = 0; i < in; ++i) {
      layer.weight[packed_index(o, i, out, in)] = values[size(o * in + i)];
    }
  }
  return layer;
}

Depthwise make_depthwise(const Tensor& weight, std::int64_t stride, Epilogue epilogue) {
  const std::int64_t channels = weight.shape[0];
  RF_CHECK(channels % block() == 0 && (stride == 1 || stride == 2));
  const std::span<const float> values = weight.values();
  Depthwise layer{channels, stride, AlignedBuffer<float>(size(channels * 9)), std::move(epilogue)};
  for (std::int64_t c = 0; c < channels; ++c) {
    for (std::int64_t tap = 0; tap < 9; ++tap) {
      layer.weight[size((c / block() * 9 + tap) * block() + c % block())] =
          values[size(c * 9 + tap)];
    }
  }
  return layer;
}

Winograd make_winograd(const Tensor& weight, Epilogue epilogue) {
  const std::int64_t out = padded(weight.shape[0]);
  const std::int64_t in = weight.shape[1];
  RF_CHECK(in % block() == 0);
  Winograd layer{in, out, AlignedBuffer<float>(size(36 * out * in)), std::move(epilogue)};
  // A block of outputs at a time, which lie together in each of the 36 planes: the planes are a
  // power of two apart, and single values would push each other out of the cache.
  constexpr std::int64_t kMaxBlock = 16;
  const std::int64_t outputs = block();
  RF_CHECK(outputs <= kMaxBlock);
  std::array<std::array<float, kMaxBlock>, 36> together{};
  for (std::int64_t o = 0; o < out; o += outputs) {
    for (std::int64_t i = 0; i < in; ++i) {
      for (std::int64_t k = 0; k < outputs; ++k) {
        if (o + k >= weight.shape[0]) {
          for (auto& values : together) values[size(k)] = 0;
          continue;
        }
        const auto transformed = winograd_weight(weight.values().data() + ((o + k) * in + i) * 9);
        for (std::size_t plane = 0; plane < together.size(); ++plane) {
          together[plane][size(k)] = static_cast<float>(transformed[plane]);
        }
      }
      float* to = layer.weight.data() + packed_index(o, i, out, in);
      for (const auto& values : together) {
        std::copy_n(values.begin(), outputs, to);
        to += out * in;
      }
    }
  }
  return layer;
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
          for (std::size_t y = 0; y < 3; ++y) rows[y][j] += kG[p][y] * m;
        }
      }
      float* const to = weight_gradient + (o * in_channels + i) * 9;
      for (std::size_t y = 0; y < 3; ++y) {
        for (std::size_t x = 0; x < 3; ++x) {
          double value = 0;
          for (std::size_t j = 0; j < 6; ++j) value += rows[y][j] * kG[j][x];
          to[3 * y + x] = static_cast<float>(value);
        }
      }
    }
  }
}

Deformable make_deformable(const Tensor& weight, std::int64_t stride, std::int64_t padding,
                           Epilogue epilogue) {
  const std::int64_t points = weight.shape[2] * weight.shape[3];
  const std::int64_t out = padded(weight.shape[0]);
  const std::int64_t in = padded(weight.shape[1]);
  Deformable layer{in,
                   out,
                   weight.shape[2],
                   stride,
                   padding,
                   AlignedBuffer<float>(size(out * in * points)),
                   std::move(epilogue)};
  std::ranges::fill(layer.weight, 0.0F);
  const float* from = weight.values().data();
  for (std::int64_t o = 0; o < weight.shape[0]; ++o) {
    for (std::int64_t i = 0; i < weight.shape[1]; ++i) {
      for (std::int64_t point = 0; point < points; ++point) {
        const std::int64_t row = (i / block() * points + point) * block() + i % block();
        layer.weight[packed_index(o, row, out, in * points)] = *from++;
      }
    }
  }
  return layer;
}

Stem make_stem(const Tensor& first, Epilogue first_epilogue, const Tensor& depthwise,
               Epilogue depthwise_epilogue, const Tensor& pointwise, Epilogue pointwise_epilogue) {
  const std::int64_t out = pointwise.shape[0];
  RF_CHECK(out % block() == 0 && first.shape[0] == kStemChannels);
  Stem layer{out,
             AlignedBuffer<float>(size(27 * kStemChannels)),
             AlignedBuffer<float>(size(9 * kStemChannels)),
             AlignedBuffer<float>(size(kStemChannels * out)),
             std::move(first_epilogue),
             std::move(depthwise_epilogue),
             std::move(pointwise_epilogue)};
  const std::span<const float> first_values = first.values();
  const std::span<const float> pointwise_values = pointwise.values();
  for (std::int64_t c = 0; c < kStemChannels; ++c) {
    for (std::int64_t tap = 0; tap < 27; ++tap) {
      layer.first_weight[size(tap * kStemChannels + c)] = first_values[size(c * 27 + tap)];
    }
  }
  std::ranges::copy(depthwise.values(), layer.depthwise_weight.begin());
  for (std::int64_t o = 0; o < out; ++o) {
    for (std::int64_t i = 0; i < kStemChannels; ++i) {
      layer.pointwise_weight[size((o / block() * kStemChannels + i) * block() + o % block())] =
          pointwise_values[size(o * kStemChannels + i)];
    }
  }
  return layer;
}

}  // namespace retinaface::runtime::kernels
