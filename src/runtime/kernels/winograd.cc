#include "runtime/kernels/winograd.h"

#include <algorithm>
#include <array>
#include <span>

#include "base/check.h"
#include "runtime/kernels/kernels.h"

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
  Winograd layer{&kernels, in, out, make_product_weights(kernels, 36, out, in),
                 std::move(epilogue)};
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
      for (std::size_t plane = 0; plane < together.size(); ++plane) {
        put(outputs, out, in, {static_cast<std::int64_t>(plane), o, i},
            std::span(together[plane]).first(static_cast<std::size_t>(outputs)), layer.weights);
      }
    }
  }
  return layer;
}

void run(const Winograd& layer, const Map& in, const BlockPointers& out, float* scratch,
         const Addend& addend) {
  layer.kernels->winograd(layer, in, out, addend, scratch);
}

std::size_t scratch_floats(const Winograd& layer) {
  return layer.kernels->winograd_floats(layer);
}

}  // namespace retinaface::runtime::kernels
