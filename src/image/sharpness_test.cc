#include "image/sharpness.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <random>
#include <vector>

#include <gtest/gtest.h>

namespace retinaface {
namespace {

Image gray_image(int width, int height, const std::function<double(int x, int y)>& value) {
  Image image(width, height);
  for (int y = 0; y < height; ++y) {
    for (int x = 0; x < width; ++x) {
      for (int c = 0; c < 3; ++c) {
        image.row(y)[3 * x + c] = static_cast<std::uint8_t>(std::lround(value(x, y)));
      }
    }
  }
  return image;
}

float sharpness_of(const Image& image) {
  return sharpness(image);
}

/// Edges between fields of random gray, each as wide as a blur of `sigma` pixels makes it.
Image blurred_fields(double sigma, double contrast = 1) {
  std::mt19937 random(7);
  std::uniform_real_distribution<double> gray(-50, 50);
  std::vector<double> steps;
  for (int i = 0; i < 64; ++i) steps.push_back(gray(random));
  const auto edge = [&](double distance) { return 0.5 * std::erfc(-distance / sigma / 1.4142); };
  return gray_image(112, 112, [&](int x, int y) {
    double sum = 0;
    for (int i = 0; i < 7; ++i) {
      sum += steps[static_cast<std::size_t>(i)] * edge(x - 16 * i - 8);
      sum += steps[static_cast<std::size_t>(20 + i)] * edge(y - 16 * i - 8);
    }
    return std::clamp(127 + contrast * sum / 2, 0.0, 255.0);
  });
}

TEST(Sharpness, CheckersOfOnePixelLoseEightNinths) {
  const Image checkers = gray_image(30, 20, [](int x, int y) { return (x + y) % 2 * 200; });
  EXPECT_NEAR(sharpness(checkers), 8.0 / 9 - 1.0 / 200, 1e-5);
}

TEST(Sharpness, ARampHasNoneAndNothingEither) {
  const Image ramp = gray_image(60, 60, [](int x, int y) { return 2 * x + y; });
  EXPECT_NEAR(sharpness(ramp), 0, 1e-5);
  EXPECT_EQ(sharpness_of(gray_image(60, 60, [](int, int) { return 90; })), 0);
  EXPECT_EQ(sharpness_of(gray_image(8, 8, [](int x, int) { return x % 2 * 99; })), 0);
  // The worse direction counts.
  EXPECT_EQ(sharpness_of(gray_image(60, 60, [](int x, int) { return x % 2 * 99; })), 0);
}

TEST(Sharpness, FallsWithBlurAndDependsLittleOnContrast) {
  float before = 1;
  for (const double sigma : {0.1, 0.7, 1.0, 1.5, 2.0, 3.0, 4.0, 6.0}) {
    const float now = sharpness_of(blurred_fields(sigma));
    EXPECT_LT(now, before) << sigma;
    EXPECT_NEAR(sharpness_of(blurred_fields(sigma, 0.5)), now, 0.2) << sigma;
    before = now;
  }
  EXPECT_LT(before, 0.3);
}

TEST(Sharpness, WhatIsMaskedMakesNoDifference) {
  const Image plain = blurred_fields(2);
  Image cut = blurred_fields(2);
  std::vector<std::uint8_t> mask(112 * 112, 1);
  for (int y = 0; y < 112; ++y) {
    for (int x = 0; x < 40; ++x) {
      mask[static_cast<std::size_t>(112 * y + x)] = 0;
      for (int c = 0; c < 3; ++c) cut.row(y)[3 * x + c] = static_cast<std::uint8_t>(x * y % 251);
    }
  }
  EXPECT_EQ(sharpness(cut, mask), sharpness(plain, mask));
  EXPECT_GT(sharpness(cut), sharpness(plain));
  EXPECT_EQ(sharpness(cut, std::vector<std::uint8_t>(112 * 112, 0)), 0);
}

}  // namespace
}  // namespace retinaface
