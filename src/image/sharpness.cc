#include "image/sharpness.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <vector>

#include "base/check.h"
#include "image/convert.h"

namespace retinaface {
inline namespace internal {
namespace {

constexpr int kReach = 4;        // of the mean, to each side
constexpr double kRounding = 1;  // gray levels that two rounded neighbours differ by for nothing

/// Luma of BT.601, 0 to 255.
std::vector<float> gray_of(const ImageView& image) {
  std::vector<float> gray;
  std::vector<std::uint8_t> rgb(static_cast<std::size_t>(image.width) * 3);
  for (int y = 0; y < image.height; ++y) {
    copy_row_as_rgb(image, y, rgb);
    for (std::size_t x = 0; x < rgb.size(); x += 3) {
      gray.push_back(0.299F * static_cast<float>(rgb[x]) + 0.587F * static_cast<float>(rgb[x + 1]) +
                     0.114F * static_cast<float>(rgb[x + 2]));
    }
  }
  return gray;
}

/// Differences between neighbours on a line, and what smoothing takes away of them.
struct Differences {
  double whole = 0;
  double taken = 0;

  float sharpness() const { return whole > 0 ? static_cast<float>(taken / whole) : 0.0F; }
};

/// Of `count` pixels from `first` on, `step` apart.
void add_line(const float* first, const std::uint8_t* mask, std::ptrdiff_t step, int count,
              Differences& sum) {
  const auto there = [&](int i) { return mask == nullptr || mask[i * step] != 0; };
  int in_a_row = 0;  // pixels up to i + kReach that are all there
  float mean_before = 0;
  for (int end = 0; end < count; ++end) {
    in_a_row = there(end) ? in_a_row + 1 : 0;
    if (in_a_row < 2 * kReach + 1) continue;
    const int i = end - kReach;
    float mean = 0;
    for (int k = i - kReach; k <= i + kReach; ++k) mean += first[k * step] / (2 * kReach + 1);
    if (in_a_row > 2 * kReach + 1) {
      const double sharp = std::abs(first[i * step] - first[(i - 1) * step]);
      const double smooth = std::abs(mean - mean_before);
      sum.whole += sharp;
      sum.taken += std::max(0.0, sharp - smooth - kRounding);
    }
    mean_before = mean;
  }
}

}  // namespace

float sharpness(const ImageView& image, std::span<const std::uint8_t> mask) {
  check_view(image, "image");
  const auto width = static_cast<std::ptrdiff_t>(image.width);
  const std::vector<float> gray = gray_of(image);
  RF_CHECK(mask.empty() || mask.size() == gray.size());
  const auto mask_at = [&](std::ptrdiff_t i) { return mask.empty() ? nullptr : mask.data() + i; };
  Differences along;
  Differences down;
  for (int y = 0; y < image.height; ++y) {
    add_line(gray.data() + y * width, mask_at(y * width), 1, image.width, along);
  }
  for (int x = 0; x < image.width; ++x) {
    add_line(gray.data() + x, mask_at(x), width, image.height, down);
  }
  return std::min(along.sharpness(), down.sharpness());
}

}  // namespace internal
}  // namespace retinaface
