#include "pipeline/scene_look.h"

#include <algorithm>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "image/convert.h"
#include "support/testing.h"

namespace retinaface::pipeline {
namespace {

template <typename Change>
Image changed(Image image, Change change) {
  for (int y = 0; y < image.height(); ++y) {
    for (int x = 0; x < image.width(); ++x) change(image.row(y) + 3 * x);
  }
  return image;
}

Image sample(const std::string& name) {
  return read_image(testing::sample_folder() / name);
}

/// In shades of one color: gray, or brownish as in old photographs.
Image tinted(Image image, bool brownish) {
  return changed(std::move(image), [=](std::uint8_t* pixel) {
    const int gray = (pixel[0] + pixel[1] + pixel[2]) / 3;
    for (int c = 0; c < 3; ++c) {
      pixel[c] = static_cast<std::uint8_t>(brownish ? gray * (10 - 3 * c) / 10 : gray);
    }
  });
}

/// All values times `gain`, plus `light`.
Image lit(Image image, double gain, int light) {
  return changed(std::move(image), [=](std::uint8_t* pixel) {
    for (int c = 0; c < 3; ++c) {
      pixel[c] = static_cast<std::uint8_t>(std::clamp(gain * pixel[c] + light, 0.0, 255.0));
    }
  });
}

TEST(SceneLook, TellsCutsFromPans) {
  const Image crowd = sample("crowd.webp");
  const Image portrait = sample("portrait.jpg");
  const auto at = [&](int x) { return SceneLook(part_of(crowd, x, 100, 900, 600)); };
  EXPECT_FALSE(at(0).is_cut_to(at(0)));
  EXPECT_FALSE(at(0).is_cut_to(at(40)));
  EXPECT_FALSE(at(0).is_cut_to(at(120)));
  EXPECT_TRUE(at(0).is_cut_to(SceneLook(portrait)));
  const Image hopper = sample("hopper.jpg");
  EXPECT_TRUE(SceneLook(portrait).is_cut_to(SceneLook(hopper)));
  const Image black(1, 1);
  EXPECT_TRUE(SceneLook(black).is_cut_to(SceneLook(portrait)));
}

TEST(SceneLook, TellsCutsFromPansInShadesOfOneColor) {
  for (const bool brownish : {false, true}) {
    const Image crowd = tinted(sample("crowd.webp"), brownish);
    const Image portrait = tinted(sample("portrait.jpg"), brownish);
    const Image hopper = tinted(sample("hopper.jpg"), brownish);
    const auto at = [&](int x) { return SceneLook(part_of(crowd, x, 100, 900, 600)); };
    EXPECT_FALSE(at(0).is_cut_to(at(40)));
    EXPECT_FALSE(at(0).is_cut_to(at(120)));
    EXPECT_TRUE(at(0).is_cut_to(SceneLook(portrait)));
    EXPECT_TRUE(SceneLook(hopper).is_cut_to(SceneLook(portrait)));
    EXPECT_TRUE(SceneLook(hopper).is_cut_to(at(0)));
  }
}

TEST(SceneLook, TellsCutsFromChangesOfLight) {
  for (const char* name : {"crowd.webp", "portrait.jpg", "hopper.jpg"}) {
    for (const bool is_gray : {false, true}) {
      const Image here = is_gray ? tinted(sample(name), false) : sample(name);
      const SceneLook before(here);
      for (const auto& [gain, light] : {std::pair{0.35, 0}, {0.85, 0}, {1.5, 0}, {1.0, 100}}) {
        const Image there = lit(here, gain, light);
        const SceneLook after(there);
        EXPECT_FALSE(before.is_cut_to(after)) << name << gain;
        EXPECT_FALSE(after.is_cut_to(before)) << name << gain;
      }
    }
  }
}

}  // namespace
}  // namespace retinaface::pipeline
