#include "pipeline/scene_signature.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>
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

/// Whether two colors are one but for what a video's coding changes.
template <typename Color>
bool is_alike(const Color& a, const Color& b) {
  constexpr int kNoise = 8;
  return std::ranges::equal(a, b, [](int x, int y) { return std::abs(x - y) <= kNoise; });
}

}  // namespace

SceneSignature::SceneSignature(const ImageView& frame) {
  std::vector<std::uint8_t> rgb(3 * static_cast<std::size_t>(frame.width));
  std::size_t at = 0;
  for (int row = 0; row < kRows; ++row) {
    const auto middle = [](int i, int count, int side) {
      return static_cast<int>((std::int64_t{2} * i + 1) * side / (std::int64_t{2} * count));
    };
    copy_row_as_rgb(frame, middle(row, kRows, frame.height), rgb);
    for (int column = 0; column < kColumns; ++column, ++at) {
      std::copy_n(rgb.data() + 3 * middle(column, kColumns, frame.width), 3, pixels_[at].begin());
    }
  }
}

/// What both frames have between bars at their edges, each of one color, the same in both. All of
/// the grid where that is little: a dark scene, no image between bars.
SceneSignature::Part SceneSignature::without_bars(const SceneSignature& next) const {
  constexpr int kMinCells = kColumns * kRows / 8;
  const auto is_bar = [&](int column, int row, int step_x, int step_y, int count) {
    const Color& color = at(column, row);
    for (int i = 0; i < count; ++i, column += step_x, row += step_y) {
      if (!is_alike(color, at(column, row)) || !is_alike(color, next.at(column, row))) return false;
    }
    return true;
  };
  const auto is_column = [&](int column) { return is_bar(column, 0, 0, 1, kRows); };
  const auto is_row = [&](int row) { return is_bar(0, row, 1, 0, kColumns); };
  Part part;
  while (part.width > 0 && is_column(part.left)) {
    ++part.left;
    --part.width;
  }
  while (part.width > 0 && is_column(part.left + part.width - 1)) --part.width;
  while (part.height > 0 && is_row(part.top)) {
    ++part.top;
    --part.height;
  }
  while (part.height > 0 && is_row(part.top + part.height - 1)) --part.height;
  return part.cells() >= kMinCells ? part : Part();
}

SceneSignature::Histograms SceneSignature::histograms(const Part& part) const {
  Histograms result;
  const float share = 1.0F / static_cast<float>(part.cells());
  for (int row = part.top; row < part.top + part.height; ++row) {
    for (int column = part.left; column < part.left + part.width; ++column) {
      const Color& pixel = at(column, row);
      constexpr int kLevels = Histograms::kLevels;
      constexpr int kStep = 256 / kLevels;
      const int color =
          (pixel[0] / kStep * kLevels + pixel[1] / kStep) * kLevels + pixel[2] / kStep;
      result.colors[static_cast<std::size_t>(color)] += share;
      const int luma = (299 * pixel[0] + 587 * pixel[1] + 114 * pixel[2]) / 1000;  // BT.601
      result.brightness[static_cast<std::size_t>(luma * Histograms::kBrightness / 256)] += share;
    }
  }
  return result;
}

bool SceneSignature::Histograms::has_few_colors() const {
  constexpr std::size_t kFew = 18;
  constexpr float kMinShare = 0.9F;
  auto shares = colors;
  const auto few = shares.begin() + kFew;
  std::ranges::partial_sort(shares, few, std::greater<>());
  float sum = 0;
  for (const float share : std::span(shares).first(kFew)) sum += share;
  return sum >= kMinShare;
}

/// The correlation of the pixels, in the channel where it is lowest, from -1 to 1. The middle of
/// the part of `next` is looked for in that of this frame, up to a fifth of it aside and a sixth
/// above or below.
float SceneSignature::likeness_to(const SceneSignature& next, const Part& part) const {
  const int aside = part.width * 3 / 16;
  const int above = part.height / 6;
  const int width = part.width - 2 * aside;
  const int height = part.height - 2 * above;
  const double count = width * height;
  const auto correlation = [&](std::size_t channel, int left, int top) {
    std::int64_t sum_a = 0, sum_b = 0, aa = 0, bb = 0, ab = 0;
    for (int y = 0; y < height; ++y) {
      const Color* const a = &at(part.left + left, part.top + top + y);
      const Color* const b = &next.at(part.left + aside, part.top + above + y);
      std::int32_t row_a = 0, row_b = 0, row_aa = 0, row_bb = 0, row_ab = 0;
      for (int x = 0; x < width; ++x) {
        const std::int32_t one = a[x][channel];
        const std::int32_t other = b[x][channel];
        row_a += one;
        row_b += other;
        row_aa += one * one;
        row_bb += other * other;
        row_ab += one * other;
      }
      sum_a += row_a;
      sum_b += row_b;
      aa += row_aa;
      bb += row_bb;
      ab += row_ab;
    }
    const auto product = [&](std::int64_t both, std::int64_t one, std::int64_t other) {
      return count * static_cast<double>(both) - static_cast<double>(one * other);
    };
    const double scale = product(aa, sum_a, sum_a) * product(bb, sum_b, sum_b);
    return scale > 0 ? static_cast<float>(product(ab, sum_a, sum_b) / std::sqrt(scale)) : 0.0F;
  };
  float best = -1;
  for (int top = 0; top <= 2 * above; ++top) {
    for (int left = 0; left <= 2 * aside; ++left) {
      float lowest = 1;
      for (std::size_t c = 0; c < Color().size() && lowest > best; ++c) {
        lowest = std::min(lowest, correlation(c, left, top));
      }
      best = std::max(best, lowest);
    }
  }
  return best;
}

bool SceneSignature::is_cut_to(const SceneSignature& next) const {
  constexpr float kMinCommonColors = 0.6F;
  constexpr float kMinCommonBrightness = 0.82F;
  constexpr float kMinLikeness = 0.6F;
  const Part part = without_bars(next);
  const Histograms own = histograms(part);
  const Histograms others = next.histograms(part);
  const bool has_other_colors = common(own.colors, others.colors) < kMinCommonColors;
  const bool has_other_brightness =
      common(own.brightness, others.brightness) < kMinCommonBrightness && own.has_few_colors() &&
      others.has_few_colors();
  return (has_other_colors || has_other_brightness) && likeness_to(next, part) < kMinLikeness;
}

}  // namespace retinaface::pipeline
