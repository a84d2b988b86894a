#include "pipeline/image_source.h"

#include <algorithm>
#include <atomic>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/file.h"
#include "support/testing.h"

namespace retinaface::pipeline {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

std::string video() {
  return testing::fixture_folder() / "videos/bt709.mp4";  // of ten frames
}

/// "image", "N" for a frame, "end" for a video's, and the problem's text.
std::vector<std::string> all_of(ImageSource& source) {
  std::vector<std::string> result;
  while (const auto image = source.next()) {
    result.push_back(!image->problem.empty()    ? image->problem
                     : image->is_end_of_video() ? "end"
                     : image->frame             ? std::to_string(image->frame->number)
                                                : "image");
  }
  return result;
}

TEST(ImageSource, GivesFilesAndFramesInOrder) {
  ImageSource source({{"a.jpg", {}}, {video(), {}}, {"b", "is no such thing"}, {"c.png", {}}},
                     {.every = 4, .video = {}, .is_done = {}});
  EXPECT_THAT(all_of(source),
              ElementsAre("image", "0", "4", "8", "end", "b: is no such thing", "image"));
  EXPECT_TRUE(source.has_videos());
  EXPECT_FALSE(source.was_stopped());
  EXPECT_EQ(source.expected(), 3 + 3);
}

TEST(ImageSource, LeavesOutWhatIsDone) {
  SourceOptions options;
  options.is_done = [](const auto&, const video::FrameStamp& frame) { return frame.number < 8; };
  ImageSource source({{video(), {}}}, options);
  EXPECT_THAT(all_of(source), ElementsAre("8", "9", "end"));
  options.in_one_run = true;
  ImageSource whole({{video(), {}}}, options);
  EXPECT_THAT(all_of(whole), ElementsAre(HasSubstr("written in one run: begin without resume, or "
                                                   "leave out draw and blur")));
  options.spelling = {.prefix = "--"};
  ImageSource command({{video(), {}}}, options);
  EXPECT_THAT(all_of(command), ElementsAre(HasSubstr("without --resume, or leave out --draw and "
                                                     "--blur")));
}

TEST(ImageSource, EndsWhenItIsStopped) {
  std::atomic<bool> stop = false;
  ImageSource source({{"a.jpg", {}}, {"b.jpg", {}}}, {.video = {.stop = &stop}, .is_done = {}});
  EXPECT_TRUE(source.next().has_value());
  stop = true;
  EXPECT_FALSE(source.next().has_value());
  EXPECT_TRUE(source.was_stopped());
}

TEST(ImageSource, SaysWhatCannotBeOpened) {
  ImageSource source({{"/nowhere/x.mp4", {}}}, {});
  EXPECT_THAT(all_of(source), ElementsAre(HasSubstr("/nowhere/x.mp4")));
}

TEST(ImageSource, SaysHowManyFramesAreMissing) {
  const testing::TemporaryFolder folder;
  std::vector<std::byte> content = read_file(video());
  std::fill_n(content.begin() + 1099, 360, std::byte{0xFF});  // the fourth frame
  write_file_atomically(folder / "spoilt.mp4", content);
  ImageSource source({{folder / "spoilt.mp4", {}}, {video(), {}}}, {});
  std::vector<std::string> warnings;
  while (const auto image = source.next()) {
    warnings.insert(warnings.end(), image->warnings.begin(), image->warnings.end());
  }
  EXPECT_THAT(warnings, ElementsAre(HasSubstr("spoilt.mp4: 1 frame missing")));
}

/// A GIF of twenty frames of one pixel, behind which it is damaged.
std::string gif_of_frames() {
  std::string gif("GIF89a\x01\x00\x01\x00\x80\x00\x00\x00\x00\x00\xFF\xFF\xFF", 19);
  for (int i = 0; i < 20; ++i) {
    gif += std::string("\x21\xF9\x04\x04\x04\x00\x00\x00", 8);
    gif += std::string(",\x00\x00\x00\x00\x01\x00\x01\x00\x00\x02\x02\x44\x01\x00", 15);
  }
  return gif + "damage";
}

TEST(ImageSource, EndsAnImageOfManyFramesWhenItIsStopped) {
  const testing::TemporaryFolder folder;
  write_file_atomically(folder / "a.gif", gif_of_frames());
  Input input = {folder / "a.gif", {}};
  input.frames = 20;
  ImageSource whole({input}, {});
  EXPECT_THAT(all_of(whole).back(), HasSubstr("a.gif: "));
  std::atomic<bool> stop = false;
  ImageSource source({input}, {.video = {.stop = &stop}, .is_done = {}});
  const auto first = source.next();
  ASSERT_TRUE(first && first->frame);
  stop = true;
  // Neither what was read ahead nor what follows, with its damage.
  EXPECT_THAT(all_of(source), ElementsAre("end"));
  EXPECT_TRUE(source.was_stopped());
}

}  // namespace
}  // namespace retinaface::pipeline
