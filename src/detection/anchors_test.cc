#include "detection/anchors.h"

#include <random>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "detection/box_coding.h"

namespace retinaface::detection {
namespace {

using ::testing::ElementsAre;

const models::AnchorFamily kFamily = {
    .levels = {{8, {16, 32}}, {16, {64}}}, .center_variance = 0.1F, .size_variance = 0.2F};

TEST(Anchors, LieOnTheirGridsByHand) {
  // 17 x 9 pixels: two rows and three columns of stride 8, one and two of stride 16.
  EXPECT_THAT(make_anchors(kFamily, 9, 17),
              ElementsAre(Anchor{{4, 4}, 16}, Anchor{{4, 4}, 32}, Anchor{{12, 4}, 16},
                          Anchor{{12, 4}, 32}, Anchor{{20, 4}, 16}, Anchor{{20, 4}, 32},
                          Anchor{{4, 12}, 16}, Anchor{{4, 12}, 32}, Anchor{{12, 12}, 16},
                          Anchor{{12, 12}, 32}, Anchor{{20, 12}, 16}, Anchor{{20, 12}, 32},
                          Anchor{{8, 8}, 64}, Anchor{{24, 8}, 64}));
}

TEST(Anchors, AreCountedAsOnThePaper) {
  const auto& family = models::find_model("mnet025").detector().anchors;
  EXPECT_EQ(make_anchors(family, 640, 640).size(), 2U * (80 * 80 + 40 * 40 + 20 * 20));
  EXPECT_EQ(make_anchors(family, 1, 1).size(), 6U);
}

TEST(BoxCoding, ByHand) {
  const Anchor anchor{{100, 50}, 20};
  EXPECT_EQ(decode_box(anchor, {0, 0, 0, 0}, kFamily), (Box{90, 40, 110, 60}));
  // Five tenths of the anchor's side to the right, one up; e times as wide.
  const Box box = decode_box(anchor, {5, -1, 5, 0}, kFamily);
  const float half_width = 10 * std::exp(1.0F);
  EXPECT_NEAR(box.x0, 110 - half_width, 1e-4);
  EXPECT_NEAR(box.x1, 110 + half_width, 1e-4);
  EXPECT_NEAR(box.y0, 38, 1e-4);
  EXPECT_NEAR(box.y1, 58, 1e-4);
  const Landmarks points = decode_landmarks(anchor, {1, 2, -1, -2, 0, 0, 10, 0, 0, 10}, kFamily);
  const Landmarks expected = {{{102, 54}, {98, 46}, {100, 50}, {120, 50}, {100, 70}}};
  for (std::size_t k = 0; k < 5; ++k) {
    EXPECT_NEAR(points[k].x, expected[k].x, 1e-4);
    EXPECT_NEAR(points[k].y, expected[k].y, 1e-4);
  }
}

TEST(BoxCoding, DecodesWhatItEncoded) {
  std::mt19937 random(1);
  std::uniform_real_distribution<float> place(0, 1000);
  std::uniform_real_distribution<float> side(1, 300);
  for (int i = 0; i < 1000; ++i) {
    const Anchor anchor{{place(random), place(random)}, side(random)};
    const Point corner{place(random), place(random)};
    const Box box{corner.x, corner.y, corner.x + side(random), corner.y + side(random)};
    const Box back = decode_box(anchor, encode_box(anchor, box, kFamily), kFamily);
    EXPECT_NEAR(back.x0, box.x0, 2e-3);
    EXPECT_NEAR(back.y0, box.y0, 2e-3);
    EXPECT_NEAR(back.x1, box.x1, 2e-3);
    EXPECT_NEAR(back.y1, box.y1, 2e-3);
    Landmarks points;
    for (Point& point : points) point = {place(random), place(random)};
    const Landmarks same =
        decode_landmarks(anchor, encode_landmarks(anchor, points, kFamily), kFamily);
    for (std::size_t k = 0; k < points.size(); ++k) {
      EXPECT_NEAR(same[k].x, points[k].x, 1e-3);
      EXPECT_NEAR(same[k].y, points[k].y, 1e-3);
    }
  }
}

/// "102,300 anchors in total, and 75% of these anchors are from P2" (the paper, section 3.2).
TEST(Anchors, OfThePaperAreAsManyAsItSays) {
  const models::AnchorFamily& family = models::find_model("resnet50").detector().anchors;
  EXPECT_EQ(anchor_count(family, 640, 640), 102'300);
  const std::vector<Anchor> anchors = make_anchors(family, 640, 640);
  EXPECT_EQ(anchors.size(), 102'300U);
  const auto of_finest =
      std::ranges::count_if(anchors, [](const Anchor& anchor) { return anchor.size_px < 26; });
  EXPECT_EQ(of_finest, 76'800);  // 75.07%
}

}  // namespace
}  // namespace retinaface::detection
