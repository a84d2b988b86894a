#include "pipeline/scene_signature.h"

#include <algorithm>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "image/convert.h"
#include "image/resize.h"
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

TEST(SceneSignature, TellsCutsFromPans) {
  const Image crowd = sample("crowd.webp");
  const Image portrait = sample("portrait.jpg");
  const auto at = [&](int x) { return SceneSignature(part_of(crowd, x, 100, 900, 600)); };
  EXPECT_FALSE(at(0).is_cut_to(at(0)));
  EXPECT_FALSE(at(0).is_cut_to(at(40)));
  EXPECT_FALSE(at(0).is_cut_to(at(120)));
  EXPECT_TRUE(at(0).is_cut_to(SceneSignature(portrait)));
  const Image hopper = sample("hopper.jpg");
  EXPECT_TRUE(SceneSignature(portrait).is_cut_to(SceneSignature(hopper)));
  const Image black(1, 1);
  EXPECT_TRUE(SceneSignature(black).is_cut_to(SceneSignature(portrait)));
}

TEST(SceneSignature, TellsCutsFromPansInShadesOfOneColor) {
  for (const bool brownish : {false, true}) {
    const Image crowd = tinted(sample("crowd.webp"), brownish);
    const Image portrait = tinted(sample("portrait.jpg"), brownish);
    const Image hopper = tinted(sample("hopper.jpg"), brownish);
    const auto at = [&](int x) { return SceneSignature(part_of(crowd, x, 100, 900, 600)); };
    EXPECT_FALSE(at(0).is_cut_to(at(40)));
    EXPECT_FALSE(at(0).is_cut_to(at(120)));
    EXPECT_TRUE(at(0).is_cut_to(SceneSignature(portrait)));
    EXPECT_TRUE(SceneSignature(hopper).is_cut_to(SceneSignature(portrait)));
    EXPECT_TRUE(SceneSignature(hopper).is_cut_to(at(0)));
  }
}

/// The middle of the image as a video of 9:16 between black bars, or as high as a frame and wide
/// between bars above and below.
Image between_bars(const Image& image, int aside, bool upright) {
  Image frame(640, 360);
  const int width = upright ? 202 : 640;
  const int height = upright ? 360 : 270;
  const Image video = to_rgb(part_of(image, aside, 20, width, height));
  for (int y = 0; y < height; ++y) {
    std::copy_n(video.row(y), 3 * width,
                frame.row((360 - height) / 2 + y) + 3 * ((640 - width) / 2));
  }
  return frame;
}

TEST(SceneSignature, LeavesOutBars) {
  const Image crowd = sample("crowd.webp");
  for (const bool upright : {false, true}) {
    const auto framed = [&](const Image& image, int aside) {
      const Image frame = between_bars(image, aside, upright);
      return SceneSignature(frame);
    };
    const auto at = [&](int x) { return framed(crowd, x); };
    EXPECT_FALSE(at(0).is_cut_to(at(0)));
    EXPECT_FALSE(at(0).is_cut_to(at(20)));
    const Image portrait = resize(sample("portrait.jpg"), 700, 700);
    EXPECT_TRUE(at(0).is_cut_to(framed(portrait, 20))) << upright;
  }
}

TEST(SceneSignature, TellsCutsFromChangesOfLight) {
  for (const char* name : {"crowd.webp", "portrait.jpg", "hopper.jpg"}) {
    for (const bool is_gray : {false, true}) {
      const Image here = is_gray ? tinted(sample(name), false) : sample(name);
      const SceneSignature before(here);
      for (const auto& [gain, light] : {std::pair{0.35, 0}, {0.85, 0}, {1.5, 0}, {1.0, 100}}) {
        const Image there = lit(here, gain, light);
        const SceneSignature after(there);
        EXPECT_FALSE(before.is_cut_to(after)) << name << gain;
        EXPECT_FALSE(after.is_cut_to(before)) << name << gain;
      }
    }
  }
}

}  // namespace
}  // namespace retinaface::pipeline
