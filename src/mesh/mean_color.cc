#include "mesh/mean_color.h"

#include <algorithm>
#include <cstdint>

namespace retinaface::mesh {
namespace {

std::array<std::ptrdiff_t, 3> channels_of(PixelFormat format) {
  switch (format) {
    case PixelFormat::kGray:
      return {0, 0, 0};
    case PixelFormat::kBgr:
    case PixelFormat::kBgra:
      return {2, 1, 0};
    default:
      return {0, 1, 2};
  }
}

}  // namespace

MeanColor::MeanColor(const ImageView& image, float side)
    : image_(image),
      pixel_bytes_(bytes_per_pixel(image.format)),
      channels_(channels_of(image.format)),
      taps_(std::clamp(static_cast<int>(side + 0.5F), 1, kTaps)),
      step_(std::max(side, 1.0F) / static_cast<float>(taps_)) {}

Vector MeanColor::operator()(float x, float y) const {
  std::array<std::ptrdiff_t, kTaps> columns{};
  for (int i = 0; i < taps_; ++i) {
    columns[static_cast<std::size_t>(i)] = pixel_bytes_ * place(x, i, image_.width);
  }
  std::array<int, 3> sums{};
  for (int j = 0; j < taps_; ++j) {
    const std::uint8_t* const row = image_.row(place(y, j, image_.height));
    for (int i = 0; i < taps_; ++i) {
      const std::uint8_t* const pixel = row + columns[static_cast<std::size_t>(i)];
      for (std::size_t c = 0; c < 3; ++c) sums[c] += pixel[channels_[c]];
    }
  }
  const float share = 1 / (255 * static_cast<float>(taps_ * taps_));
  return {share * static_cast<float>(sums[0]), share * static_cast<float>(sums[1]),
          share * static_cast<float>(sums[2])};
}

/// The pixel of a tap around `center`.
int MeanColor::place(float center, int tap, int size) const {
  const float at = center + (static_cast<float>(tap) - static_cast<float>(taps_ - 1) / 2) * step_;
  return static_cast<int>(std::clamp(at, 0.0F, static_cast<float>(size - 1)));
}

}  // namespace retinaface::mesh
