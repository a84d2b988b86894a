#include "pipeline/scene_look.h"

#include <gtest/gtest.h>

#include "image/convert.h"
#include "support/testing.h"

namespace retinaface::pipeline {
namespace {

TEST(SceneLook, TellsCutsFromPans) {
  const Image crowd = read_image(testing::sample_folder() / "crowd.webp");
  const Image portrait = read_image(testing::sample_folder() / "portrait.jpg");
  const Image hopper = read_image(testing::sample_folder() / "hopper.jpg");
  const auto at = [&](int x) { return SceneLook(part_of(crowd, x, 100, 900, 600)); };
  EXPECT_FALSE(at(0).is_cut_to(at(0)));
  EXPECT_FALSE(at(0).is_cut_to(at(40)));
  EXPECT_FALSE(at(0).is_cut_to(at(120)));
  EXPECT_TRUE(at(0).is_cut_to(SceneLook(portrait)));
  EXPECT_TRUE(SceneLook(portrait).is_cut_to(SceneLook(hopper)));
  const Image black(1, 1);
  EXPECT_TRUE(SceneLook(black).is_cut_to(SceneLook(portrait)));
}

}  // namespace
}  // namespace retinaface::pipeline
