#include "runtime/kernels/winograd.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <span>
#include <vector>

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

Winograd make_word_winograd(const Kernels& kernels, const graph::Tensor& weight, Epilogue epilogue,
                            const graph::ByteCode& input) {
  constexpr double kMaxWord = 32767;
  // The largest sum of |row| of the transform of inputs, twice: of what is within 1, no more than
  // this comes out.
  constexpr double kGain =
      (kNear + kNear * kFar2 + 1 + kFar2) * (kNear + kNear * kFar2 + 1 + kFar2);
  // All words at their largest, the sum of products still fits: 2^16 of 2^15, less what rounding
  // can add.
  constexpr double kMaxWeights = 65536 - kMaxWordInputs / 2.0;
  const std::int64_t block = kernels.block;
  const std::int64_t out = (weight.shape[0] + block - 1) / block * block;
  const std::int64_t in = weight.shape[1];
  RF_CHECK(kernels.has_word_products && in % block == 0 && in <= kMaxWordInputs);
  Winograd layer{&kernels, in, out, {}, std::move(epilogue)};
  Words& words = layer.words;
  words.weights = AlignedBuffer<std::uint32_t>(static_cast<std::size_t>(36 * out * in / 2));
  words.input_scale = AlignedBuffer<float>(static_cast<std::size_t>(in));
  words.sum_scale = AlignedBuffer<float>(static_cast<std::size_t>(36 * out));
  std::ranges::fill(words.weights, 0U);
  std::ranges::fill(words.input_scale, 0.0F);
  std::ranges::fill(words.sum_scale, 1.0F);
  for (std::size_t i = 0; i < input.scale.size(); ++i) {
    const double largest =
        double{input.scale[i]} * std::max<int>(input.zero[i], 255 - input.zero[i]);
    words.input_scale[i] = static_cast<float>(kMaxWord / (kGain * largest));
  }
  std::vector<std::array<double, 36>> transformed(input.scale.size());
  for (std::int64_t o = 0; o < weight.shape[0]; ++o) {
    for (std::size_t i = 0; i < transformed.size(); ++i) {
      const float* const g = weight.values().data() + (o * in + static_cast<std::int64_t>(i)) * 9;
      transformed[i] = winograd_weight(g);
      for (double& value : transformed[i]) value /= double{words.input_scale[i]};
    }
    for (std::int64_t position = 0; position < 36; ++position) {
      const auto of = [&](const std::array<double, 36>& values) {
        return values[static_cast<std::size_t>(position)];
      };
      double sum = 0;
      double largest = 0;
      for (const auto& values : transformed) {
        sum += std::abs(of(values));
        largest = std::max(largest, std::abs(of(values)));
      }
      const double scale = std::max({sum / kMaxWeights, largest / kMaxWord, 1e-30});
      words.sum_scale[static_cast<std::size_t>(position * out + o)] = static_cast<float>(scale);
      for (std::size_t i = 0; i < transformed.size(); ++i) {
        const auto word = static_cast<std::int16_t>(std::lrint(of(transformed[i]) / scale));
        const std::size_t at =
            static_cast<std::size_t>(position * out * in / 2) +
            packed_index(block, o, static_cast<std::int64_t>(i / 2), out, in / 2);
        words.weights[at] |= std::uint32_t{static_cast<std::uint16_t>(word)} << (i % 2 * 16);
      }
    }
  }
  return layer;
}

void run(const Winograd& layer, const Map& in, const BlockPointers& out, float* scratch,
         const Addend& addend) {
  run(layer, in, out, {0, in.height}, scratch, addend);
}

void run(const Winograd& layer, const Map& in, const BlockPointers& out, const RowRange& rows,
         float* scratch, const Addend& addend) {
  RF_CHECK(rows.begin % 4 == 0 && (rows.end % 4 == 0 || rows.end == in.height));
  layer.kernels->winograd(layer, in, out, rows, addend, scratch);
}

std::int64_t rows_at_once(const Winograd& layer, std::int64_t width) {
  constexpr std::int64_t kMaxTileRows = 4;
  constexpr double kWorthMore = 0.02;  // of the products, for another row of tiles
  const std::int64_t at_once = layer.kernels->winograd_tiles;
  std::int64_t best = 0;
  double best_share = -kWorthMore;
  for (std::int64_t tile_rows = 1; tile_rows <= kMaxTileRows; ++tile_rows) {
    const std::int64_t tiles = tile_rows * ((width + 3) / 4);
    const std::int64_t pieces = (tiles + at_once - 1) / at_once;
    const double share = static_cast<double>(tiles) / static_cast<double>(pieces * at_once);
    if (share < best_share + kWorthMore) continue;
    best = tile_rows;
    best_share = share;
  }
  return 4 * best;
}

std::size_t scratch_floats(const Winograd& layer) {
  return layer.kernels->winograd_floats(layer);
}

}  // namespace retinaface::runtime::kernels
