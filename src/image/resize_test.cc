#include "image/resize.h"

#include <cmath>
#include <cstdlib>
#include <initializer_list>
#include <random>
#include <vector>

#include "support/testing.h"

namespace retinaface {
namespace {

using testing::error_of;

Image noise(int width, int height) {
  std::minstd_rand random(7);
  Image image(width, height);
  for (int i = 0; i < 3 * width * height; ++i)
    image.row(0)[i] = static_cast<std::uint8_t>(random());
  return image;
}

Image gray_row(std::initializer_list<int> values) {
  Image image(static_cast<int>(values.size()), 1);
  std::uint8_t* to = image.row(0);
  for (const int value : values) {
    for (int c = 0; c < 3; ++c) *to++ = static_cast<std::uint8_t>(value);
  }
  return image;
}

std::vector<int> first_channel(const Image& image) {
  std::vector<int> values;
  for (int i = 0; i < image.width() * image.height(); ++i) values.push_back(image.row(0)[3 * i]);
  return values;
}

/// What the header says, at one place of one channel and in doubles: the mean over [x0, x1) x
/// [y0, y1) of the old image taken as squares of constant color.
double area_mean(const Image& image, double x0, double x1, double y0, double y1, int channel) {
  double sum = 0;
  for (int y = 0; y < image.height(); ++y) {
    for (int x = 0; x < image.width(); ++x) {
      const double wide = std::min(x1, x + 1.0) - std::max(x0, double(x));
      const double high = std::min(y1, y + 1.0) - std::max(y0, double(y));
      if (wide > 0 && high > 0) sum += wide * high * image.row(y)[3 * x + channel];
    }
  }
  return sum / ((x1 - x0) * (y1 - y0));
}

/// The same for growing: linear between the old pixels' centres, the border repeated.
double linear_value(const Image& image, double x, double y, int channel) {
  const double column = std::clamp(x - 0.5, 0.0, image.width() - 1.0);
  const double row = std::clamp(y - 0.5, 0.0, image.height() - 1.0);
  double sum = 0;
  for (int j = 0; j < image.height(); ++j) {
    for (int i = 0; i < image.width(); ++i) {
      const double weight =
          std::max(0.0, 1 - std::abs(i - column)) * std::max(0.0, 1 - std::abs(j - row));
      sum += weight * image.row(j)[3 * i + channel];
    }
  }
  return sum;
}

TEST(Resize, HandWorkedRows) {
  EXPECT_EQ(first_channel(resize(gray_row({10, 20, 30, 50}), 2, 1)), (std::vector<int>{15, 40}));
  // 3 to 2: each new pixel covers one and a half old ones.
  EXPECT_EQ(first_channel(resize(gray_row({0, 90, 30}), 2, 1)), (std::vector<int>{30, 50}));
  // 2 to 4: centres at 0.25, 0.75, 1.25 and 1.75 of old pixels centred at 0.5 and 1.5.
  EXPECT_EQ(first_channel(resize(gray_row({0, 100}), 4, 1)), (std::vector<int>{0, 25, 75, 100}));
  EXPECT_EQ(first_channel(resize(gray_row({7}), 3, 2)), (std::vector<int>(6, 7)));
}

TEST(Resize, ShrinkingIsTheMeanOfTheArea) {
  const Image image = noise(23, 17);
  for (const auto& [width, height] : {std::pair{7, 5}, {22, 16}, {1, 1}, {23, 3}, {4, 17}}) {
    const Image small = resize(image, width, height);
    for (int y = 0; y < height; ++y) {
      for (int x = 0; x < 3 * width; ++x) {
        const double sx = 23.0 / width;
        const double sy = 17.0 / height;
        const int column = x / 3;
        EXPECT_NEAR(small.row(y)[x],
                    area_mean(image, column * sx, (column + 1) * sx, y * sy, (y + 1) * sy, x % 3),
                    0.501);
      }
    }
  }
}

TEST(Resize, GrowingIsLinearBetweenCentres) {
  const Image image = noise(5, 4);
  for (const auto& [width, height] : {std::pair{10, 8}, {7, 9}, {5, 4}, {13, 4}}) {
    const Image large = resize(image, width, height);
    for (int y = 0; y < height; ++y) {
      for (int x = 0; x < 3 * width; ++x) {
        EXPECT_NEAR(large.row(y)[x],
                    linear_value(image, (x / 3 + 0.5) * 5 / width, (y + 0.5) * 4 / height, x % 3),
                    0.501);
      }
    }
  }
}

TEST(Resize, KeepsAConstantColorAtAnySize) {
  Image image(11, 7);
  std::fill_n(image.row(0), 3 * 11 * 7, std::uint8_t{255});
  for (int width : {1, 2, 3, 10, 11, 12, 50}) {
    for (int height : {1, 6, 7, 8, 31}) {
      for (const int value : first_channel(resize(image, width, height))) ASSERT_EQ(value, 255);
    }
  }
}

TEST(Resize, ReadsAnyFormatAndStride) {
  const std::vector<std::uint8_t> bgr = {3, 2, 1, 7, 6, 5, 99, 99};
  const Image small = resize({bgr.data(), 2, 1, 8, PixelFormat::kBgr}, 1, 1);
  EXPECT_EQ(small.row(0)[0], 3);
  EXPECT_EQ(small.row(0)[1], 4);
  EXPECT_EQ(small.row(0)[2], 5);
}

TEST(Resize, RefusesImagesWithoutPixels) {
  const Image image(4, 4);
  EXPECT_EQ(error_of([&] { resize(image, 0, 4); }).code(), ErrorCode::kInvalidArgument);
  EXPECT_EQ(error_of([&] { resize(image, 4, -1); }).code(), ErrorCode::kInvalidArgument);
  EXPECT_EQ(error_of([&] { resize(Image(), 4, 4); }).code(), ErrorCode::kInvalidArgument);
}

}  // namespace
}  // namespace retinaface
