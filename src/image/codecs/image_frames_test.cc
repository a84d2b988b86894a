// Files of several images: tests/data/images, whose second ones are the first turned round.

#include "image/codecs/image_frames.h"

#include <cstdlib>

#include <gmock/gmock.h>

#include "base/file.h"
#include "support/testing.h"

namespace retinaface {
namespace {

std::vector<std::byte> content_of(const std::string& name) {
  return read_file(testing::fixture_folder() / "images" / name);
}

std::vector<ImageFrames::Frame> frames_of(const std::string& name) {
  ImageFrames reader(content_of(name), {}, name);
  std::vector<ImageFrames::Frame> frames;
  while (auto frame = reader.next()) frames.push_back(std::move(*frame));
  EXPECT_FALSE(reader.next()) << name;
  return frames;
}

/// The largest difference from the image turned by a half, or upside down and mirrored.
int difference(const Image& image, const Image& first, bool is_mirrored) {
  int largest = 0;
  for (int y = 0; y < image.height(); ++y) {
    for (int x = 0; x < image.width(); ++x) {
      const int from_x = is_mirrored ? x : image.width() - 1 - x;
      const std::uint8_t* from = first.row(image.height() - 1 - y) + 3 * from_x;
      for (int c = 0; c < 3; ++c) {
        largest = std::max(largest, std::abs(image.row(y)[3 * x + c] - from[c]));
      }
    }
  }
  return largest;
}

TEST(ImageFrames, AreAllThatAFileHolds) {
  struct Case {
    const char* name;
    bool is_mirrored;
    bool are_pages;
    int tolerance;
  };
  for (const auto& [name, is_mirrored, are_pages, tolerance] :
       {Case{"animated.gif", true, false, 60},  // each with a palette of its own
        Case{"animated.webp", false, false, 0}, Case{"animated.png", false, false, 0},
        Case{"animated.jxl", false, false, 0}, Case{"two_pages.tif", true, true, 0}}) {
    SCOPED_TRACE(name);
    const codecs::FrameCount count = count_frames(content_of(name));
    EXPECT_EQ(count.frames, 2);
    EXPECT_EQ(count.are_pages, are_pages);
    const auto frames = frames_of(name);
    ASSERT_EQ(frames.size(), 2U);
    const Image first = decode_image(content_of(name));
    ASSERT_EQ(first.width(), frames[0].image.width());
    for (int i = 0; i < first.stride() * first.height(); ++i) {
      ASSERT_EQ(frames[0].image.row(0)[i], first.row(0)[i]) << i;
    }
    EXPECT_LE(difference(frames[1].image, first, is_mirrored), tolerance);
    EXPECT_EQ(frames[0].time_s, 0);
    EXPECT_NEAR(frames[1].time_s, are_pages ? 0 : 0.1, 1e-9);
  }
}

TEST(ImageFrames, AreOneInMostFiles) {
  for (const char* name : {"alpha.png", "orientation_6.jpg", "lzw.tif", "interlaced.gif",
                           "lossy.webp", "rgb.bmp", "plain.heic", "plain.jxl", "plain.jp2"}) {
    SCOPED_TRACE(name);
    EXPECT_EQ(count_frames(content_of(name)).frames, 1);
    const auto frames = frames_of(name);
    ASSERT_EQ(frames.size(), 1U);
    const Image first = decode_image(content_of(name));
    EXPECT_EQ(frames[0].image.width(), first.width());
    EXPECT_TRUE(std::equal(first.row(0), first.row(0) + first.stride() * first.height(),
                           frames[0].image.row(0)));
  }
}

TEST(ImageFrames, SurviveDamage) {
  for (const char* name :
       {"animated.gif", "animated.webp", "animated.png", "animated.jxl", "two_pages.tif"}) {
    const std::vector<std::byte> whole = content_of(name);
    for (std::size_t size = 1; size < whole.size(); size += 3) {
      std::vector<std::byte> cut(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(size));
      EXPECT_LE(count_frames(cut).frames, 2) << name;
      try {
        ImageFrames reader(std::move(cut), {}, "cut");
        for (int i = 0; reader.next(); ++i) ASSERT_LT(i, 3) << name;
      } catch (const Error& error) {
        EXPECT_THAT(error.what(), ::testing::StartsWith("cut: "));
      }
    }
  }
}

}  // namespace
}  // namespace retinaface
