#include "detection/passes.h"

#include <cmath>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace retinaface::detection {
namespace {

TEST(PassesFor, SmallPicturesTakeOne) {
  for (const auto& [width, height] : {std::pair{1, 1}, {640, 480}, {300, 640}}) {
    const auto passes = passes_for(width, height);
    ASSERT_EQ(passes.size(), 1U);
    EXPECT_EQ(passes[0].scale, 1);
    EXPECT_EQ(passes[0].least_px, 0);
    EXPECT_TRUE(std::isinf(passes[0].greatest_px));
  }
}

TEST(PassesFor, EveryFaceIsOfUsualSizeInAPassThatTakesIt) {
  for (const int longer : {641, 1000, 1600, 1920, 4000, 10000, 60000}) {
    const auto passes = passes_for(longer, longer * 3 / 4);
    EXPECT_EQ(passes.back().scale, 1);
    for (float side = 8; side <= static_cast<float>(longer); side *= 1.1F) {
      const bool seen = std::ranges::any_of(passes, [&](const Pass& pass) {
        const float in_pass = side * pass.scale;
        return side >= pass.least_px && side < pass.greatest_px && in_pass <= 512 &&
               (in_pass >= 39 || pass.scale == 1);
      });
      EXPECT_TRUE(seen) << side << " px in a picture of " << longer;
    }
  }
}

TEST(PassesFor, TheSmallerOnesCostLittle) {
  for (const int longer : {641, 800, 1000, 1920, 4000, 20000}) {
    double pixels = 0;
    for (const Pass& pass : passes_for(longer, longer)) pixels += pass.scale * pass.scale;
    EXPECT_LE(pixels, 1.11) << longer;
  }
}

TEST(DropParts, DropsWhatLiesInALargerFaceAndScoresLess) {
  const std::vector<Face> larger = {{.score = 0.9F, .box = {0, 0, 1000, 1000}}};
  const auto stays = [&](Face face) {
    std::vector<Face> faces = {face};
    drop_parts(faces, larger);
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
