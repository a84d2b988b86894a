#include "detection/image_pyramid.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "models/catalogue.h"

namespace retinaface::detection {
namespace {

const models::SearchPolicy kPolicy;  // the default model's

TEST(ImagePyramid, SmallImagesTakeOneAndSmallerOnesAnEnlargedOne) {
  for (const auto& [width, height] : {std::pair{1, 1}, {639, 480}, {640, 480}, {300, 640}}) {
    const auto pyramid = image_pyramid(kPolicy, width, height);
    ASSERT_EQ(pyramid.size(), std::max(width, height) < 640 ? 2U : 1U);
    EXPECT_EQ(pyramid[0].scale, 1);
    EXPECT_EQ(pyramid[0].min_px, 0);
    EXPECT_TRUE(std::isinf(pyramid[0].max_px));
    if (pyramid.size() == 1) continue;
    EXPECT_EQ(pyramid[1].scale, 2);
    EXPECT_EQ(pyramid[1].min_px, 0);
    EXPECT_EQ(pyramid[1].max_px, 64);
  }
}

TEST(ImagePyramid, EveryFaceIsOfUsualSizeInALevelThatTakesIt) {
  for (const models::Model& model : models::catalogue()) {
    const models::SearchPolicy& policy = model.detector().search;
    float largest_anchor = 0;
    for (const models::AnchorLevel& level : model.detector().anchors.levels) {
      largest_anchor = std::max(largest_anchor, std::ranges::max(level.sizes_px));
    }
    for (const int longer : {641, 1000, 1600, 1920, 4000, 10000, 60000}) {
      const auto pyramid = image_pyramid(policy, longer, longer * 3 / 4);
      EXPECT_EQ(pyramid.back().scale, 1);
      for (float side = 8; side <= static_cast<float>(longer); side *= 1.1F) {
        const bool seen = std::ranges::any_of(pyramid, [&](const PyramidLevel& level) {
          const float in_level = side * level.scale;
          return side >= level.min_px && side < level.max_px && in_level <= largest_anchor &&
                 (in_level >= policy.min_face_px - 1 || level.scale == 1);
        });
        EXPECT_TRUE(seen) << model.name << ": " << side << " px in an image of " << longer;
      }
    }
  }
}

TEST(ImagePyramid, TheSmallerOnesCostLittle) {
  for (const int longer : {641, 800, 1000, 1920, 4000, 20000}) {
    double pixels = 0;
    for (const PyramidLevel& level : image_pyramid(kPolicy, longer, longer))
      pixels += level.scale * level.scale;
    EXPECT_LE(pixels, 1.11) << longer;
  }
}

TEST(DropParts, DropsWhatLiesInALargerFaceAndScoresLess) {
  const std::vector<Face> larger = {{.score = 0.9F, .box = {0, 0, 1000, 1000}}};
  const auto stays = [&](Face face) {
    std::vector<Face> faces = {face};
    drop_parts(kPolicy, faces, larger);
    return !faces.empty();
  };
  EXPECT_FALSE(stays({.score = 0.8F, .box = {300, 300, 600, 600}}));
  EXPECT_FALSE(stays({.score = 0.8F, .box = {300, -300, 600, 0}}));      // the hair
  EXPECT_TRUE(stays({.score = 0.95F, .box = {300, 300, 600, 600}}));     // scores better
  EXPECT_TRUE(stays({.score = 0.8F, .box = {20, 900, 80, 980}}));        // behind the shoulder
  EXPECT_TRUE(stays({.score = 0.8F, .box = {-200, -200, 1200, 1200}}));  // larger itself
  EXPECT_TRUE(stays({.score = 0.8F, .box = {1100, 0, 1200, 100}}));
}

}  // namespace
}  // namespace retinaface::detection
