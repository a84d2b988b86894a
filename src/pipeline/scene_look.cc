#include "pipeline/scene_look.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <span>
#include <vector>

#include "image/convert.h"

namespace retinaface::pipeline {
namespace {

/// What two histograms have in common, of 1.
float common(std::span<const float> a, std::span<const float> b) {
  float sum = 0;
  for (std::size_t i = 0; i < a.size(); ++i) sum += std::min(a[i], b[i]);
  return sum;
}

}  // namespace

SceneLook::SceneLook(const ImageView& frame) {
  constexpr float kShare = 1.0F / (kColumns * kRows);
  std::vector<std::uint8_t> rgb(3 * static_cast<std::size_t>(frame.width));
  std::size_t at = 0;
  for (int row = 0; row < kRows; ++row) {
    const auto middle = [](int i, int count, int side) {
      return static_cast<int>((std::int64_t{2} * i + 1) * side / (std::int64_t{2} * count));
    };
    copy_row_as_rgb(frame, middle(row, kRows, frame.height), rgb);
    for (int column = 0; column < kColumns; ++column, ++at) {
      const std::uint8_t* const pixel = rgb.data() + 3 * middle(column, kColumns, frame.width);
      for (std::size_t c = 0; c < kChannels; ++c) pixels_[c][at] = pixel[c];
      constexpr int kStep = 256 / kLevels;
      const int color =
          (pixel[0] / kStep * kLevels + pixel[1] / kStep) * kLevels + pixel[2] / kStep;
      colors_[static_cast<std::size_t>(color)] += kShare;
      const int luma = (299 * pixel[0] + 587 * pixel[1] + 114 * pixel[2]) / 1000;  // BT.601
      brightness_[static_cast<std::size_t>(luma * kBrightness / 256)] += kShare;
    }
  }
}

bool SceneLook::has_few_colors() const {
  constexpr std::size_t kFew = 18;
  constexpr float kMost = 0.9F;
  auto shares = colors_;
  const auto few = shares.begin() + kFew;
  std::ranges::partial_sort(shares, few, std::greater<>());
  float sum = 0;
  for (const float share : std::span(shares).first(kFew)) sum += share;
  return sum >= kMost;
}

/// The correlation of the pixels, in the channel where it is lowest, from -1 to 1. The middle of
/// `next` is looked for in this frame, up to a fifth of a frame aside and a sixth above or below.
float SceneLook::likeness_to(const SceneLook& next) const {
  constexpr int kAside = 12;
  constexpr int kAbove = 6;
  constexpr int kWidth = kColumns - 2 * kAside;
  constexpr int kHeight = kRows - 2 * kAbove;
  constexpr double kCount = kWidth * kHeight;
  const auto correlation = [&](std::size_t channel, int left, int top) {
    std::int64_t sum_a = 0, sum_b = 0, aa = 0, bb = 0, ab = 0;
    for (int y = 0; y < kHeight; ++y) {
      const std::uint8_t* const a = pixels_[channel].data() + (top + y) * kColumns + left;
      const std::uint8_t* const b = next.pixels_[channel].data() + (kAbove + y) * kColumns + kAside;
      std::int32_t row_a = 0, row_b = 0, row_aa = 0, row_bb = 0, row_ab = 0;
      for (int x = 0; x < kWidth; ++x) {
        row_a += a[x];
        row_b += b[x];
        row_aa += a[x] * a[x];
        row_bb += b[x] * b[x];
        row_ab += a[x] * b[x];
      }
      sum_a += row_a;
      sum_b += row_b;
      aa += row_aa;
      bb += row_bb;
      ab += row_ab;
    }
    const auto product = [&](std::int64_t both, std::int64_t one, std::int64_t other) {
      return kCount * static_cast<double>(both) - static_cast<double>(one * other);
    };
    const double scale = product(aa, sum_a, sum_a) * product(bb, sum_b, sum_b);
    return scale > 0 ? static_cast<float>(product(ab, sum_a, sum_b) / std::sqrt(scale)) : 0.0F;
  };
  float best = -1;
  for (int top = 0; top <= 2 * kAbove; ++top) {
    for (int left = 0; left <= 2 * kAside; ++left) {
      float lowest = 1;
      for (std::size_t c = 0; c < kChannels && lowest > best; ++c) {
        lowest = std::min(lowest, correlation(c, left, top));
      }
      best = std::max(best, lowest);
    }
  }
  return best;
}

bool SceneLook::is_cut_to(const SceneLook& next) const {
  constexpr float kMinCommonColors = 0.6F;
  constexpr float kMinCommonBrightness = 0.82F;
  constexpr float kMinLikeness = 0.6F;
  const bool has_other_colors = common(colors_, next.colors_) < kMinCommonColors;
  const bool has_other_brightness = common(brightness_, next.brightness_) < kMinCommonBrightness &&
                                    has_few_colors() && next.has_few_colors();
  return (has_other_colors || has_other_brightness) && likeness_to(next) < kMinLikeness;
}

}  // namespace retinaface::pipeline
