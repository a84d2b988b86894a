// Videos of our own are read again by VideoReader, which video_reader_test.cc checks by itself.

#include "video/video_writer.h"

#include <cmath>
#include <cstdlib>
#include <fstream>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support/content_of.h"
#include "support/testing.h"
#include "video/video_reader.h"

namespace retinaface::video {
namespace {

using testing::error_of;
using ::testing::HasSubstr;

/// Soft in all channels, and moving.
Image image(int width, int height, int number) {
  Image image(width, height);
  for (int y = 0; y < height; ++y) {
    for (int x = 0; x < width; ++x) {
      const double at = 0.02 * (x + 3 * number);
      image.row(y)[3 * x] = static_cast<std::uint8_t>(128 + 90 * std::sin(at));
      image.row(y)[3 * x + 1] = static_cast<std::uint8_t>(120 + 80 * std::sin(0.03 * y));
      image.row(y)[3 * x + 2] = static_cast<std::uint8_t>(128 + 90 * std::cos(at + 0.02 * y));
    }
  }
  return image;
}

/// The mean difference of two images' channels, as far as both go.
double difference(const Image& a, const Image& b) {
  const int width = std::min(a.width(), b.width());
  const int height = std::min(a.height(), b.height());
  double sum = 0;
  for (int y = 0; y < height; ++y) {
    for (int i = 0; i < 3 * width; ++i) sum += std::abs(a.row(y)[i] - b.row(y)[i]);
  }
  return sum / (3.0 * width * height);
}

TEST(VideoWriter, WritesWhatIsReadAgain) {
  const testing::TemporaryFolder folder;
  for (const char* name : {"a.mp4", "a.MKV", "a.mov"}) {
    for (const bool h264 : {true, false}) {
      const auto path = folder / name;
      VideoWriter writer(path, 160, 120, {.frames_per_s = 30000.0 / 1001, .prefer_h264 = h264});
      for (int n = 0; n < 20; ++n) writer.write(image(160, 120, n), n * 1001 / 30000.0);
      writer.finish();
      VideoReader reader(path.string());
      EXPECT_NEAR(reader.frames_per_s(), 29.97, 0.05) << name;
      int count = 0;
      while (const auto frame = reader.next()) {
        EXPECT_NEAR(frame->time_s, count * 1001 / 30000.0, 1e-3) << name;
        EXPECT_LT(difference(reader.image(), image(160, 120, count)), 3) << name << h264;
        ++count;
      }
      EXPECT_EQ(count, 20) << name;
      EXPECT_EQ(reader.damage(), "");
    }
  }
}

TEST(VideoWriter, KeepsTheLastFrameWhereTheRateIsUnknown) {
  const testing::TemporaryFolder folder;
  for (const char* name : {"a.mp4", "a.mkv", "a.mov"}) {
    for (const bool h264 : {true, false}) {
      for (const int frames : {1, 2, 5}) {
        const auto path = folder / name;
        VideoWriter writer(path, 64, 48, {.prefer_h264 = h264});
        for (int n = 0; n < frames; ++n) writer.write(image(64, 48, n), 0.25 * n);
        writer.finish();
        VideoReader reader(path.string());
        int count = 0;
        while (reader.next()) ++count;
        EXPECT_EQ(count, frames) << name << h264;
      }
    }
  }
}

TEST(VideoWriter, KeepsOddSidesByOneMorePixel) {
  const testing::TemporaryFolder folder;
  for (const auto& [width, height] : {std::pair{161, 120}, {160, 99}, {57, 33}, {1, 1}}) {
    const auto path = folder / "odd.mp4";
    VideoWriter writer(path, width, height, {.frames_per_s = 25});
    for (int n = 0; n < 5; ++n) writer.write(image(width, height, n), 0.04 * n);
    writer.finish();
    VideoReader reader(path.string());
    ASSERT_TRUE(reader.next()) << width << "x" << height;
    const Image frame = reader.image();
    EXPECT_EQ(frame.width(), width + width % 2);
    EXPECT_EQ(frame.height(), height + height % 2);
    EXPECT_LT(difference(frame, image(width, height, 0)), 4) << width << "x" << height;
  }
}

TEST(VideoWriter, KeepsTimesAndAspect) {
  const testing::TemporaryFolder folder;
  const auto path = folder / "a.mp4";
  {
    VideoWriter writer(path, 64, 48, {.frames_per_s = 25, .pixel_aspect = 16.0 / 11});
    // The fourth is not after the third.
    for (const double time : {0.0, 0.04, 0.2, 0.2, 0.5}) writer.write(image(64, 48, 0), time);
    writer.write(image(80, 60, 0), 0.6);  // scaled
    writer.finish();
  }
  VideoReader reader(path.string());
  EXPECT_NEAR(reader.pixel_aspect(), 16.0 / 11, 1e-3);
  std::vector<double> times;
  while (const auto frame = reader.next()) times.push_back(frame->time_s);
  EXPECT_THAT(times, ::testing::Pointwise(::testing::DoubleNear(1e-3),
                                          std::vector{0.0, 0.04, 0.2, 0.2, 0.5, 0.6}));
}

TEST(VideoWriter, IsThereAsAWholeOrNotAtAll) {
  const testing::TemporaryFolder folder;
  const auto path = folder / "a.mp4";
  std::ofstream(path) << "before";
  {
    VideoWriter writer(path, 64, 48);
    writer.write(image(64, 48, 0), 0);
  }  // never finished
  EXPECT_EQ(testing::content_of(path), "before");
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(folder.path()), {}), 1);
}

TEST(VideoWriter, RefusesWhatCannotBeWritten) {
  const testing::TemporaryFolder folder;
  EXPECT_EQ(error_of([&] { VideoWriter writer(folder / "a.txt", 64, 48); }).code(),
            ErrorCode::kUnsupported);
  EXPECT_THAT(error_of([&] { VideoWriter writer(folder / "none/a.mp4", 64, 48); }).what(),
              HasSubstr("none/a.mp4: "));
  EXPECT_THAT(error_of([&] { VideoWriter writer(folder / "a.mp4", 60000, 60000); }).what(),
              HasSubstr("a.mp4"));
}

TEST(VideoWriter, KeepsThePermissionsOfWhatItReplaces) {
  const testing::TemporaryFolder folder;
  namespace fs = std::filesystem;
  std::ofstream(folder / "v.mp4") << "earlier";
  fs::permissions(folder / "v.mp4", fs::perms(0600));
  VideoWriter writer(folder / "v.mp4", 16, 16);
  writer.write(image(16, 16, 0), 0);
  writer.finish();
  EXPECT_EQ(fs::status(folder / "v.mp4").permissions(), fs::perms(0600));
}

}  // namespace
}  // namespace retinaface::video
