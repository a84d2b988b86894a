#include "image/warp.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "base/check.h"
#include "image/convert.h"

namespace retinaface {
inline namespace internal {
namespace {

using Rgb = std::array<float, 3>;

/// Linear between the centres of the four pixels around p; those outside are black.
Rgb sample(const Image& image, const Point& p) {
  const float x = p.x - 0.5F;
  const float y = p.y - 0.5F;
  Rgb result{};
  const auto far = [](float v, int extent) { return !(v > -1 && v < static_cast<float>(extent)); };
  if (far(x, image.width()) || far(y, image.height())) return result;
  const int left = static_cast<int>(std::floor(x));
  const int top = static_cast<int>(std::floor(y));
  const float fx = x - static_cast<float>(left);
  const float fy = y - static_cast<float>(top);
  for (int dy = 0; dy < 2; ++dy) {
    for (int dx = 0; dx < 2; ++dx) {
      const int column = left + dx;
      const int row = top + dy;
      if (column < 0 || row < 0 || column >= image.width() || row >= image.height()) continue;
      const float weight = (dx == 0 ? 1 - fx : fx) * (dy == 0 ? 1 - fy : fy);
      const std::uint8_t* const pixel = image.row(row) + 3 * column;
      for (std::size_t c = 0; c < 3; ++c) result[c] += weight * static_cast<float>(pixel[c]);
    }
  }
  return result;
}

/// The part of the image that lies under the result, and a pixel more on all sides; empty where
/// there is none.
ImageView part_under(const ImageView& view, const Similarity& image_from_result, int width,
                     int height, Point& origin) {
  const auto right = static_cast<float>(width);
  const auto bottom = static_cast<float>(height);
  const std::array corners = {image_from_result({0, 0}), image_from_result({right, 0}),
                              image_from_result({0, bottom}), image_from_result({right, bottom})};
  const auto [left_most, right_most] = std::ranges::minmax(corners, {}, &Point::x);
  const auto [top_most, bottom_most] = std::ranges::minmax(corners, {}, &Point::y);
  const auto first = [](float v) { return std::max(std::floor(v) - 1, 0.0F); };
  const auto last = [](float v, int extent) {
    return std::min(std::ceil(v) + 1, static_cast<float>(extent));
  };
  origin = {first(left_most.x), first(top_most.y)};
  const float part_width = last(right_most.x, view.width) - origin.x;
  const float part_height = last(bottom_most.y, view.height) - origin.y;
  if (!(part_width >= 1 && part_height >= 1)) return {};
  return part_of(view, static_cast<int>(origin.x), static_cast<int>(origin.y),
                 static_cast<int>(part_width), static_cast<int>(part_height));
}

}  // namespace

Image warp(const ImageView& image, const Similarity& image_from_result, int width, int height) {
  if (image.empty() || width <= 0 || height <= 0) {
    fail(ErrorCode::kInvalidArgument, "warp: expected images, found {}x{} and {}x{} pixels",
         image.width, image.height, width, height);
  }
  Image result(width, height);
  Point origin;
  const ImageView part = part_under(image, image_from_result, width, height, origin);
  if (part.empty()) return result;
  const Image rgb = to_rgb(part);
  // As many samples a pixel, along each axis, as it covers pixels of the image.
  constexpr float kMaxSamples = 64;
  const float scale = std::hypot(image_from_result.a, image_from_result.b);
  const int samples = static_cast<int>(std::clamp(std::ceil(scale), 1.0F, kMaxSamples));
  const float step = 1 / static_cast<float>(samples);
  for (int y = 0; y < height; ++y) {
    for (int x = 0; x < width; ++x) {
      Rgb sum{};
      for (int i = 0; i < samples * samples; ++i) {
        const int row = i / samples;
        const int column = i % samples;
        const Point at = {static_cast<float>(x) + (static_cast<float>(column) + 0.5F) * step,
                          static_cast<float>(y) + (static_cast<float>(row) + 0.5F) * step};
        const Point from = image_from_result(at);
        const Rgb value = sample(rgb, {from.x - origin.x, from.y - origin.y});
        for (std::size_t c = 0; c < 3; ++c) sum[c] += value[c];
      }
      std::uint8_t* const pixel = result.row(y) + 3 * x;
      for (std::size_t c = 0; c < 3; ++c) {
        pixel[c] = static_cast<std::uint8_t>(std::lround(sum[c] * step * step));
      }
    }
  }
  return result;
}

}  // namespace internal
}  // namespace retinaface
