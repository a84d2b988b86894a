#include "pipeline/annotated_video.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <memory>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support/testing.h"
#include "video/video_reader.h"

namespace retinaface::pipeline {
namespace {

constexpr int kSide = 64;
constexpr double kFramesPerS = 10;

Image gray() {
  Image image(kSide, kSide);
  for (int y = 0; y < kSide; ++y) std::fill_n(image.row(y), 3 * kSide, std::uint8_t{128});
  return image;
}

AnnotatedVideo::Frame frame_of(int number) {
  return {.image = gray(), .time_s = number / kFramesPerS, .result = {}, .sightings = {}};
}

class AnnotatedVideoTest : public ::testing::Test {
 protected:
  AnnotatedVideoTest() {
    outputs_.folder = folder_ / "out.mkv";
    outputs_.blur = true;
    video_->path = "in.mkv";
    video_->frames_per_s = kFramesPerS;
  }

  std::size_t frames_written() {
    video::VideoReader reader(outputs_.folder);
    std::size_t frames = 0;
    while (reader.next()) ++frames;
    return frames;
  }

  testing::TemporaryFolder folder_;
  ImageOutputs outputs_;
  std::shared_ptr<Video> video_ = std::make_shared<Video>();
};

TEST_F(AnnotatedVideoTest, WritesFramesThatWaitedAtItsEnd) {
  AnnotatedVideo video(outputs_, video_, true, {});
  for (int i = 0; i < 3; ++i) video.add(frame_of(i));
  EXPECT_FALSE(std::filesystem::exists(outputs_.folder));
  video.finish(true);
  EXPECT_EQ(frames_written(), 3);
}

// All frames of a short video wait for its end, where nothing may be written any more.
TEST_F(AnnotatedVideoTest, TellsThatFramesThatWaitedCannotBeWritten) {
  std::ofstream(folder_ / "file") << "a file";
  outputs_.folder = folder_ / "file" / "out.mkv";
  AnnotatedVideo video(outputs_, video_, true, {});
  video.add(frame_of(0));
  EXPECT_ANY_THROW(video.finish(true));
}

TEST_F(AnnotatedVideoTest, WithoutFramesIsNoFile) {
  AnnotatedVideo(outputs_, video_, true, {}).finish(true);
  EXPECT_FALSE(std::filesystem::exists(outputs_.folder));
}

}  // namespace
}  // namespace retinaface::pipeline
