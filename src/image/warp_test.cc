#include "image/warp.h"

#include <gtest/gtest.h>

#include "image/resize.h"

namespace retinaface {
namespace {

/// Red grows to the right, green downwards.
Image ramp(int width, int height) {
  Image image(width, height);
  for (int y = 0; y < height; ++y) {
    for (int x = 0; x < width; ++x) {
      image.row(y)[3 * x] = static_cast<std::uint8_t>(2 * x);
      image.row(y)[3 * x + 1] = static_cast<std::uint8_t>(3 * y);
      image.row(y)[3 * x + 2] = 200;
    }
  }
  return image;
}

TEST(Warp, TheIdentityCopies) {
  const Image image = ramp(40, 30);
  const Image same = warp(image, {}, 40, 30);
  for (int y = 0; y < 30; ++y) {
    EXPECT_TRUE(std::equal(image.row(y), image.row(y) + 120, same.row(y))) << y;
  }
}

TEST(Warp, AQuarterTurnMovesWholePixels) {
  const Image image = ramp(40, 30);
  // The result's (x, y) is the image's (40 - y, x).
  const Image turned = warp(image, {0, 1, {40, 0}}, 30, 40);
  for (int y = 0; y < 40; ++y) {
    for (int x = 0; x < 30; ++x) {
      for (int c = 0; c < 3; ++c) {
        ASSERT_EQ(turned.row(y)[3 * x + c], image.row(x)[3 * (39 - y) + c]) << x << ", " << y;
      }
    }
  }
}

TEST(Warp, ShrinkingAverages) {
  const Image image = ramp(80, 80);
  const Image half = warp(image, {4, 0, {}}, 20, 20);
  const Image expected = resize(image, 20, 20);
  for (int y = 0; y < 20; ++y) {
    for (int i = 0; i < 60; ++i) EXPECT_NEAR(half.row(y)[i], expected.row(y)[i], 1);
  }
}

TEST(Warp, OutsideIsBlack) {
  const Image image = ramp(10, 10);
  const Image moved = warp(image, {1, 0, {8, -100}}, 10, 110);
  EXPECT_EQ(moved.row(0)[2], 0);
  EXPECT_EQ(moved.row(104)[2], 200);
  EXPECT_EQ(moved.row(104)[3 * 5 + 2], 0);
}

}  // namespace
}  // namespace retinaface
