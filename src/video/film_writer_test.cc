// Films of our own are read again by FilmReader, which film_reader_test.cc checks by itself.

#include "video/film_writer.h"

#include <cmath>
#include <cstdlib>
#include <fstream>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support/testing.h"
#include "video/film_reader.h"

namespace retinaface::video {
namespace {

using testing::error_of;
using ::testing::HasSubstr;

/// Soft in all channels, and moving.
Image picture(int width, int height, int number) {
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

/// The mean difference of two pictures' channels, as far as both go.
double difference(const Image& a, const Image& b) {
  const int width = std::min(a.width(), b.width());
  const int height = std::min(a.height(), b.height());
  double sum = 0;
  for (int y = 0; y < height; ++y) {
    for (int i = 0; i < 3 * width; ++i) sum += std::abs(a.row(y)[i] - b.row(y)[i]);
  }
  return sum / (3.0 * width * height);
}

TEST(FilmWriter, WritesWhatIsReadAgain) {
  const testing::TemporaryFolder folder;
  for (const char* name : {"a.mp4", "a.MKV", "a.mov"}) {
    for (const bool h264 : {true, false}) {
      const auto path = folder / name;
      FilmWriter writer(path, 160, 120, {.frames_per_s = 30000.0 / 1001, .prefer_h264 = h264});
      for (int n = 0; n < 20; ++n) writer.write(picture(160, 120, n), n * 1001 / 30000.0);
      writer.finish();
      FilmReader reader(path.string());
      EXPECT_NEAR(reader.frames_per_s(), 29.97, 0.05) << name;
      int count = 0;
      while (const auto frame = reader.next()) {
        EXPECT_NEAR(frame->time_s, count * 1001 / 30000.0, 1e-3) << name;
        EXPECT_LT(difference(reader.picture(), picture(160, 120, count)), 3) << name << h264;
        ++count;
      }
      EXPECT_EQ(count, 20) << name;
      EXPECT_EQ(reader.damage(), "");
    }
  }
}

TEST(FilmWriter, KeepsOddSidesByOneMorePixel) {
  const testing::TemporaryFolder folder;
  for (const auto& [width, height] : {std::pair{161, 120}, {160, 99}, {57, 33}, {1, 1}}) {
    const auto path = folder / "odd.mp4";
    FilmWriter writer(path, width, height, {.frames_per_s = 25});
    for (int n = 0; n < 5; ++n) writer.write(picture(width, height, n), 0.04 * n);
    writer.finish();
    FilmReader reader(path.string());
    ASSERT_TRUE(reader.next()) << width << "x" << height;
    const Image image = reader.picture();
    EXPECT_EQ(image.width(), width + width % 2);
    EXPECT_EQ(image.height(), height + height % 2);
    EXPECT_LT(difference(image, picture(width, height, 0)), 4) << width << "x" << height;
  }
}

TEST(FilmWriter, KeepsTimesAndAspect) {
  const testing::TemporaryFolder folder;
  const auto path = folder / "a.mp4";
  {
    FilmWriter writer(path, 64, 48, {.frames_per_s = 25, .pixel_aspect = 16.0 / 11});
    // The fourth is not after the third.
    for (const double time : {0.0, 0.04, 0.2, 0.2, 0.5}) writer.write(picture(64, 48, 0), time);
    writer.write(picture(80, 60, 0), 0.6);  // scaled
    writer.finish();
  }
  FilmReader reader(path.string());
  EXPECT_NEAR(reader.pixel_aspect(), 16.0 / 11, 1e-3);
  std::vector<double> times;
  while (const auto frame = reader.next()) times.push_back(frame->time_s);
  EXPECT_THAT(times, ::testing::Pointwise(::testing::DoubleNear(1e-3),
                                          std::vector{0.0, 0.04, 0.2, 0.2, 0.5, 0.6}));
}

TEST(FilmWriter, IsThereAsAWholeOrNotAtAll) {
  const testing::TemporaryFolder folder;
  const auto path = folder / "a.mp4";
  std::ofstream(path) << "before";
  {
    FilmWriter writer(path, 64, 48);
    writer.write(picture(64, 48, 0), 0);
  }  // never finished
  std::ifstream file(path);
  EXPECT_EQ(std::string(std::istreambuf_iterator<char>(file), {}), "before");
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(folder.path()), {}), 1);
}

TEST(FilmWriter, RefusesWhatCannotBeWritten) {
  const testing::TemporaryFolder folder;
  EXPECT_EQ(error_of([&] { FilmWriter writer(folder / "a.txt", 64, 48); }).code(),
            ErrorCode::kUnsupported);
  EXPECT_THAT(error_of([&] { FilmWriter writer(folder / "none/a.mp4", 64, 48); }).what(),
              HasSubstr("none/a.mp4: "));
  EXPECT_THAT(error_of([&] { FilmWriter writer(folder / "a.mp4", 60000, 60000); }).what(),
              HasSubstr("a.mp4"));
}

}  // namespace
}  // namespace retinaface::video
