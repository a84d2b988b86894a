#include "image/draw.h"

#include <array>
#include <cmath>
#include <limits>
#include <vector>

#include "support/testing.h"

namespace retinaface {
namespace {

using Pixel = std::array<int, 3>;
constexpr Pixel kBlack = {0, 0, 0};
constexpr Pixel kGreen = {60, 220, 90};
constexpr Pixel kRed = {255, 70, 60};
constexpr Pixel kBlue = {70, 150, 255};
constexpr Pixel kYellow = {255, 220, 50};

Pixel at(const Image& image, int x, int y) {
  const std::uint8_t* pixel = image.row(y) + 3 * x;
  return {pixel[0], pixel[1], pixel[2]};
}

FaceMark face_in(const Box& box, float score = 0.5F) {
  const auto point = [&](float x, float y) {
    return Point{box.x0 + x * box.width(), box.y0 + y * box.height()};
  };
  return {box,
          {point(0.3F, 0.4F), point(0.7F, 0.4F), point(0.5F, 0.6F), point(0.35F, 0.8F),
           point(0.65F, 0.8F)},
          score};
}

TEST(Draw, TinyFaceGetsOnePixelLinesInsideItsBoxAndStaysVisible) {
  Image image(40, 30);
  draw_faces(image, std::array{face_in({10, 8, 22, 20})});
  for (int i = 0; i < 12; ++i) {
    EXPECT_EQ(at(image, 10 + i, 8), kGreen);
    EXPECT_EQ(at(image, 10 + i, 19), kGreen);
    EXPECT_EQ(at(image, 10, 8 + i), kGreen);
    EXPECT_EQ(at(image, 21, 8 + i), kGreen);
  }
  int touched_inside = 0;
  for (int y = 0; y < 30; ++y) {
    for (int x = 0; x < 40; ++x) {
      const bool in_box = x >= 10 && x < 22 && y >= 8 && y < 20;
      const bool inside = x > 10 && x < 21 && y > 8 && y < 19;
      if (!in_box) {
        EXPECT_EQ(at(image, x, y), kBlack) << x << " " << y;
      }
      touched_inside += inside && at(image, x, y) != kBlack;
    }
  }
  EXPECT_EQ(touched_inside, 5);  // the points
}

TEST(Draw, TracksHaveColorsAndNumbers) {
  const Box box = {100, 100, 200, 220};
  const auto drawn = [&](std::int64_t track) {
    Image image(300, 300);
    FaceMark face = face_in(box);
    face.track = track;
    draw_faces(image, std::array{face});
    return image;
  };
  EXPECT_EQ(at(drawn(0), 100, 160), kGreen);
  EXPECT_NE(at(drawn(1), 100, 160), at(drawn(2), 100, 160));
  // Of one color, but of another number: only the label above the box differs.
  const Image nine = drawn(9);
  const Image seventeen = drawn(17);
  int above = 0;
  for (int y = 0; y < 300; ++y) {
    for (int x = 0; x < 300; ++x) {
      const bool differs = at(nine, x, y) != at(seventeen, x, y);
      if (y < 100) {
        above += differs ? 1 : 0;
      } else {
        EXPECT_FALSE(differs) << x << " " << y;
      }
    }
  }
  EXPECT_GT(above, 20);
}

TEST(Draw, PointsTellLeftFromRight) {
  Image image(200, 200);
  const FaceMark face = face_in({20, 20, 180, 180});
  draw_faces(image, std::array{face});
  const std::array<Pixel, 5> expected = {kRed, kBlue, kYellow, kRed, kBlue};
  for (std::size_t i = 0; i < 5; ++i) {
    const Point& point = face.landmarks[i];
    EXPECT_EQ(at(image, static_cast<int>(point.x), static_cast<int>(point.y)), expected[i]) << i;
  }
}

TEST(Draw, OptionsLeaveOutPointsAndScores) {
  const auto touched = [](const DrawOptions& options) {
    Image image(200, 200);
    draw_faces(image, std::array{face_in({20, 60, 180, 180})}, options);
    int count = 0;
    for (int y = 0; y < 200; ++y) {
      for (int x = 0; x < 200; ++x) count += at(image, x, y) != kBlack;
    }
    return count;
  };
  const int box = touched({.landmarks = false, .scores = false});
  EXPECT_EQ(box, 2 * (160 + 118));
  EXPECT_GT(touched({.landmarks = true, .scores = false}), box);
  EXPECT_GT(touched({.landmarks = false, .scores = true}), box + 100);
}

TEST(Draw, LinesGrowWithFaceAndImage) {
  const auto line_width = [](int size, float face) {
    Image image(size, size);
    draw_faces(image, std::array{face_in({10, 10, 10 + face, 10 + face})}, {.scores = false});
    int width = 0;
    const int middle = 10 + static_cast<int>(face / 8);
    for (int x = 0; x < 10 + static_cast<int>(face / 4); ++x)
      width += at(image, x, middle)[1] > 200;
    return width;
  };
  EXPECT_EQ(line_width(4000, 12), 1);
  EXPECT_EQ(line_width(400, 300), 1);
  EXPECT_GE(line_width(1000, 300), 3);
  EXPECT_GE(line_width(4000, 2000), 10);
}

TEST(Draw, WhatIsOffTheImageOrNoNumberIsSafe) {
  const float huge = std::numeric_limits<float>::max();
  const float infinite = std::numeric_limits<float>::infinity();
  const float nan = std::nanf("");
  Image image(50, 40);
  std::vector<FaceMark> faces = {
      face_in({-20, -20, 15, 15}),
      face_in({40, 30, 90, 90}),
      face_in({-500, -500, -400, -400}),
      face_in({nan, 0, 10, 10}),
      face_in({0, 0, infinite, 9}),
      face_in({5, 5, 5, 9}),
      face_in({9, 9, 5, 5}),
      {{-huge, -huge, huge, huge}, {}, 1},
      {{10, 10, 40, 35}, {{{nan, 3}, {huge, -huge}, {-infinite, 1}, {-7, -7}, {1e9F, 20}}}, nan}};
  draw_faces(image, faces);
  EXPECT_EQ(at(image, 14, 0), kGreen);   // the visible part of the first
  EXPECT_EQ(at(image, 40, 35), kGreen);  // and of the second

  Image nothing;
  draw_faces(nothing, faces);
  Image one(1, 1);
  draw_faces(one, faces);
}

TEST(Draw, BoxTakesAColor) {
  Image image(40, 30);
  draw_box(image, {10, 8, 22, 20}, {1, 2, 3});
  EXPECT_EQ(at(image, 10, 8), (Pixel{1, 2, 3}));
  EXPECT_EQ(at(image, 21, 19), (Pixel{1, 2, 3}));
  EXPECT_EQ(at(image, 15, 15), kBlack);
  const float nan = std::numeric_limits<float>::quiet_NaN();
  for (const Box& nothing : {Box{5, 5, 5, 9}, Box{nan, 0, 9, 9}}) {
    Image untouched(40, 30);
    draw_box(untouched, nothing, {1, 2, 3});
    EXPECT_EQ(at(untouched, 5, 5), kBlack);
    EXPECT_EQ(at(untouched, 8, 8), kBlack);
  }
}

}  // namespace
}  // namespace retinaface
