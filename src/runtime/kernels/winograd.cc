#include "runtime/kernels/winograd.h"

#include <algorithm>
#include <array>

#include "base/check.h"
#include "runtime/kernels/kernels.h"
#include "runtime/kernels/pointwise.h"

namespace retinaface::runtime::kernels {
namespace {

/// G g G^T for a 3x3 kernel g.
std::array<double, 36> winograd_weight(const float* g) {
  std::array<double, 36> result;
  for (std::size_t i = 0; i < 6; ++i) {
    double row[3];  // of G g
    for (std::size_t x = 0; x < 3; ++x) {
      row[x] = kWinogradG[i][0] * double{g[x]} + kWinogradG[i][1] * double{g[3 + x]} +
               kWinogradG[i][2] * double{g[6 + x]};
    }
    for (std::size_t j = 0; j < 6; ++j) {
      result[6 * i + j] =
          row[0] * kWinogradG[j][0] + row[1] * kWinogradG[j][1] + row[2] * kWinogradG[j][2];
    }
  }
  return result;
}

}  // namespace

Winograd make_winograd(const Kernels& kernels, const graph::Tensor& weight, Epilogue epilogue) {
  const std::int64_t outputs = kernels.block;
  const std::int64_t out = (weight.shape[0] + outputs - 1) / outputs * outputs;
  const std::int64_t in = weight.shape[1];
  RF_CHECK(in % outputs == 0);
  Winograd layer{.kernels = &kernels,
                 .in_channels = in,
                 .out_channels = out,
                 .weight = {},
                 .pairs = {},
                 .epilogue = std::move(epilogue)};
  const bool in_pairs = takes_pairs(kernels, in);
  if (in_pairs) {
    layer.pairs = AlignedBuffer<std::uint32_t>(static_cast<std::size_t>(18 * out * in));
    std::ranges::fill(layer.pairs, 0U);
  } else {
    layer.weight = AlignedBuffer<float>(static_cast<std::size_t>(36 * out * in));
  }
  // A block of outputs at a time, which lie together in each of the 36 planes: the planes are a
  // power of two apart, and single values would push each other out of the cache.
  constexpr std::int64_t kMaxBlock = 16;
  RF_CHECK(outputs <= kMaxBlock);
  std::array<std::array<float, kMaxBlock>, 36> together{};
  for (std::int64_t o = 0; o < out; o += outputs) {
    for (std::int64_t i = 0; i < in; ++i) {
      for (std::int64_t k = 0; k < outputs; ++k) {
        if (o + k >= weight.shape[0]) {
          for (auto& values : together) values[static_cast<std::size_t>(k)] = 0;
          continue;
        }
        const auto transformed = winograd_weight(weight.values().data() + ((o + k) * in + i) * 9);
        for (std::size_t plane = 0; plane < together.size(); ++plane) {
          together[plane][static_cast<std::size_t>(k)] = static_cast<float>(transformed[plane]);
        }
      }
      if (in_pairs) {
        std::uint32_t* to = layer.pairs.data();
        for (const auto& values : together) {
          for (std::int64_t k = 0; k < outputs; ++k) {
            put_pair(outputs, o + k, i, out, in, values[static_cast<std::size_t>(k)], to);
          }
          to += out * in / 2;
        }
        continue;
      }
      float* to = layer.weight.data() + packed_index(outputs, o, i, out, in);
      for (const auto& values : together) {
        std::copy_n(values.begin(), outputs, to);
        to += out * in;
      }
    }
  }
  return layer;
}

void run(const Winograd& layer, const Map& in, const BlockPointers& out, float* scratch) {
  layer.kernels->winograd(layer, in, out, scratch);
}

std::size_t scratch_floats(const Winograd& layer) {
  return layer.kernels->winograd_floats(layer);
}

}  // namespace retinaface::runtime::kernels
