#include "detection/preprocess.h"

#include <array>
#include <cstddef>
#include <cstdint>
#include <random>
#include <vector>

#include <gtest/gtest.h>

namespace retinaface::detection {
namespace {

/// Red, green and blue of a pixel.
std::array<std::uint8_t, 3> rgb_of(const ImageView& image, int x, int y) {
  const std::uint8_t* const p = image.row(y) + x * bytes_per_pixel(image.format);
  switch (image.format) {
    case PixelFormat::kRgb:
    case PixelFormat::kRgba:
      return {p[0], p[1], p[2]};
    case PixelFormat::kBgr:
    case PixelFormat::kBgra:
      return {p[2], p[1], p[0]};
    case PixelFormat::kGray:
      return {p[0], p[0], p[0]};
  }
  return {};
}

TEST(Preprocess, EqualsPlainLoopsForAllFormatsAndWidths) {
  std::mt19937 random(1);
  for (const PixelFormat format : {PixelFormat::kRgb, PixelFormat::kBgr, PixelFormat::kRgba,
                                   PixelFormat::kBgra, PixelFormat::kGray}) {
    for (const int width : {1, 2, 3, 7, 8, 15, 16, 17, 31, 33, 64, 101}) {
      constexpr int kHeight = 3;
      const int stride = width * bytes_per_pixel(format) + 5;
      // As large as it must be and no larger: a sanitizer sees a read beyond the last pixel.
      std::vector<std::uint8_t> pixels(
          static_cast<std::size_t>(stride * (kHeight - 1) + width * bytes_per_pixel(format)));
      for (auto& pixel : pixels) pixel = static_cast<std::uint8_t>(random());
      const ImageView image{pixels.data(), width, kHeight, stride, format};
      for (const bool bgr : {true, false}) {
        const models::Preprocessing preprocessing{.bgr = bgr, .mean = {104, 117.5F, 0}};
        std::vector<float> planes(static_cast<std::size_t>(3 * width * kHeight), -1000);
        preprocess(image, preprocessing, planes);
        std::vector<float> interleaved(planes.size(), -1000);
        preprocess_interleaved(image, preprocessing, interleaved);
        for (int y = 0; y < kHeight; ++y) {
          for (int x = 0; x < width; ++x) {
            const auto rgb = rgb_of(image, x, y);
            for (std::size_t c = 0; c < 3; ++c) {
              const auto cell =
                  (c * kHeight + static_cast<std::size_t>(y)) * static_cast<std::size_t>(width) +
                  static_cast<std::size_t>(x);
              ASSERT_EQ(planes[cell],
                        static_cast<float>(rgb[bgr ? 2 - c : c]) - preprocessing.mean[c])
                  << "format " << static_cast<int>(format) << ", width " << width << ", at " << x
                  << ", " << y << ", channel " << c;
              ASSERT_EQ(interleaved[static_cast<std::size_t>(y * width + x) * 3 + c], planes[cell]);
            }
          }
        }
      }
    }
  }
}

}  // namespace
}  // namespace retinaface::detection
