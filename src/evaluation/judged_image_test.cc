#include "evaluation/judged_image.h"

#include <array>

#include <gtest/gtest.h>

namespace retinaface::evaluation {
namespace {

using Pixel = std::array<int, 3>;
constexpr Pixel kBlack = {0, 0, 0};
constexpr Pixel kGreen = {60, 220, 90};
constexpr Pixel kRed = {255, 50, 40};
constexpr Pixel kYellow = {255, 220, 50};
constexpr Pixel kGray = {150, 150, 150};
constexpr Pixel kWhite = {255, 255, 255};

Pixel at(const Image& image, int x, int y) {
  const std::uint8_t* pixel = image.row(y) + 3 * x;
  return {pixel[0], pixel[1], pixel[2]};
}

/// Faces at x = 10, 40 and 70, the last of which does not count.
WiderImage three_faces() {
  WiderImage image{.event = 0,
                   .name = "p",
                   .faces = {{10, 10, 20, 20}, {40, 10, 20, 20}, {70, 10, 20, 20}},
                   .counted = {}};
  for (auto& flags : image.counted) flags = {1, 1, 0};
  return image;
}

TEST(DrawJudged, ColorsEachVerdict) {
  const std::vector<Detection> detections = {{{100, 10, 20, 20}, 0.6},  // no face
                                             {{10, 10, 20, 20}, 0.9},
                                             {{70, 10, 20, 20}, 0.8},
                                             {{130, 10, 20, 20}, 0.1}};  // below the score
  const Image drawn = draw_judged(Image(160, 50), three_faces(), detections, 0.5, 1000);
  EXPECT_EQ(drawn.width(), 160);
  EXPECT_EQ(at(drawn, 10, 15), kGreen);
  EXPECT_EQ(at(drawn, 40, 15), kYellow);
  EXPECT_EQ(at(drawn, 70, 15), kGray);
  EXPECT_EQ(at(drawn, 100, 15), kRed);
  EXPECT_EQ(at(drawn, 130, 15), kBlack);
}

TEST(DrawJudged, ShrinksLargeImages) {
  const Image drawn =
      draw_judged(Image(320, 100), three_faces(), {{{10, 10, 20, 20}, 0.9}}, 0.5, 160);
  EXPECT_EQ(drawn.width(), 160);
  EXPECT_EQ(drawn.height(), 50);
  EXPECT_EQ(at(drawn, 5, 8), kGreen);
  EXPECT_EQ(at(drawn, 20, 8), kYellow);
}

TEST(SideBySide, LeavesAWhiteGap) {
  const Image panels[] = {Image(10, 4), Image(10, 4), Image(10, 4)};
  const Image row = side_by_side(panels);
  EXPECT_EQ(row.width(), 46);
  EXPECT_EQ(row.height(), 4);
  for (const int x : {0, 9, 18, 27, 36, 45}) EXPECT_EQ(at(row, x, 3), kBlack) << x;
  for (const int x : {10, 17, 28, 35}) EXPECT_EQ(at(row, x, 3), kWhite) << x;
}

}  // namespace
}  // namespace retinaface::evaluation
