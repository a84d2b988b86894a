// `retinaface detect` on videos that is interrupted and goes on, and on damaged ones.

#include <filesystem>
#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support/made_videos.h"
#include "support/testing.h"
#include "video/video_reader.h"
#include "video/video_writer.h"

namespace retinaface {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;
using testing::CommandResult;
using testing::frame_of;
using ::testing::HasSubstr;
using testing::kFrames;
using testing::kHeight;
using testing::kRate;
using testing::kWidth;
using testing::lines_of;
using testing::Videos;
using testing::write_video;

TEST_F(Videos, ResumeWhereTheyWereInterrupted) {
  ASSERT_EQ(run("detect portrait.jpg video.mp4 --output whole.jsonl").exit_code, 0);
  const std::string text = content("whole.jsonl");
  std::vector<json> whole;
  for (const std::string& line : lines_of(text)) whole.push_back(json::parse(line));
  std::size_t cut = 0;
  for (int i = 0; i < 22; ++i) cut = text.find('\n', cut) + 1;
  write("r.jsonl", text.substr(0, cut + 40));
  EXPECT_EQ(run("detect portrait.jpg video.mp4 --output r.jsonl --resume").exit_code, 0);
  const auto resumed = lines_of(content("r.jsonl"));
  ASSERT_EQ(resumed.size(), whole.size());
  for (std::size_t i = 0; i < whole.size(); ++i) {
    EXPECT_EQ(json::parse(resumed[i])["faces"], whole[i]["faces"]) << i;  // tracks as well
  }
  // With nothing left to do, nothing is done.
  EXPECT_EQ(run("detect portrait.jpg video.mp4 --output r.jsonl --resume").exit_code, 0);
  EXPECT_EQ(lines_of(content("r.jsonl")).size(), whole.size());
  // A drawn video that is not there is made as a whole; one of which there is a part cannot be gone
  // on with.
  write("r.jsonl", text.substr(0, cut));
  fs::remove(folder_ / "r.jsonl.request");
  const std::string draw = "detect video.mp4 --output r.jsonl --resume --out d --draw";
  EXPECT_EQ(run(draw).exit_code, 0);
  EXPECT_EQ(video::VideoReader((folder_ / "d/video.mp4").string()).expected_frames(), kFrames);
  EXPECT_EQ(lines_of(content("r.jsonl")).size(), whole.size());
  write("r.jsonl", text.substr(0, cut));
  const CommandResult drawn = run(draw);
  EXPECT_EQ(drawn.exit_code, 1);
  EXPECT_THAT(drawn.errors, HasSubstr("video.mp4: an interrupted run has done a part"));

  run("detect video.mp4 --format wider --out w --every 4");
  fs::remove(folder_ / "w/video.mp4/000012_0.480s.txt");
  EXPECT_THAT(run("detect video.mp4 --format wider --out w --every 4 --resume --verbose").errors,
              HasSubstr("1 image or frame"));
  fs::remove(folder_ / "r.jsonl.request");
  write("r.jsonl", R"({"image": "video.mp4", "frame": "first", "faces": []})"
                   "\n");
  EXPECT_THAT(run("detect video.mp4 --output r.jsonl --resume").errors,
              HasSubstr("r.jsonl: expected lines"));
}

TEST_F(Videos, WhoseOutputsWereDeletedAreMadeAgain) {
  write_video(folder_ / "short.mp4", 8);
  const std::string command = "detect short.mp4 -o r.jsonl --draw --crops --out d --resume";
  ASSERT_EQ(run(command).exit_code, 0);
  const std::string results = content("r.jsonl");
  std::vector<fs::path> crops;
  for (const auto& entry : fs::directory_iterator(folder_ / "d/short.mp4.faces")) {
    crops.push_back(entry.path());
  }
  ASSERT_GT(crops.size(), 1U);
  const auto written = fs::last_write_time(folder_ / "d/short.mp4");
  EXPECT_EQ(run(command).exit_code, 0);
  EXPECT_EQ(fs::last_write_time(folder_ / "d/short.mp4"), written);
  for (const fs::path& deleted : {folder_ / "d/short.mp4", crops.back()}) {
    const std::string before = content(fs::relative(deleted, folder_.path()));
    ASSERT_TRUE(fs::remove(deleted));
    EXPECT_EQ(run(command).exit_code, 0);
    // A crop is named by its track, which is the same again.
    EXPECT_EQ(content(fs::relative(deleted, folder_.path())), before);
    EXPECT_EQ(content("r.jsonl"), results);
  }
}

TEST_F(Videos, ThatAreDamagedKeepWhatCameBefore) {
  {  // Matroska, which can be read without its end
    video::VideoWriter writer(folder_ / "whole.mkv", kWidth, kHeight, {.frames_per_s = kRate});
    for (int i = 0; i < kFrames; ++i) writer.write(frame_of(i), i / kRate);
    writer.finish();
  }
  const std::string whole = content("whole.mkv");
  write("cut.mkv", whole.substr(0, whole.size() * 8 / 10));
  write("empty.mp4", "");
  write("text.avi", "no video\n");
  const CommandResult result =
      run("detect cut.mkv empty.mp4 portrait.jpg text.avi none.mov video.mp4 --every 10 "
          "--out o --draw --threads 2");
  EXPECT_EQ(result.exit_code, 1);
  const auto errors = lines_of(result.errors);
  ASSERT_EQ(errors.size(), 4U) << result.errors;
  EXPECT_THAT(errors[0], HasSubstr("cut.mkv: truncated or corrupt after frame"));
  EXPECT_THAT(errors[1], HasSubstr("empty.mp4: expected a video, found nothing: it is empty"));
  EXPECT_THAT(errors[2], HasSubstr("text.avi: expected a video"));
  EXPECT_THAT(errors[3], HasSubstr("none.mov: no such file"));
  std::map<std::string, int> lines;
  for (const std::string& line : lines_of(result.output)) ++lines[json::parse(line)["image"]];
  EXPECT_GE(lines["cut.mkv"], 2);
  EXPECT_LT(lines["cut.mkv"], 6);
  EXPECT_EQ(lines["video.mp4"], 6);
  EXPECT_EQ(lines["portrait.jpg"], 1);
  video::VideoReader reader((folder_ / "o/cut.mkv").string());
  int frames = 0;
  while (reader.next()) ++frames;
  EXPECT_EQ(frames, lines["cut.mkv"]);
}

TEST_F(Videos, AnInterruptionEndsTheDrawnVideo) {
  write_video(folder_ / "long.mp4", 500);
  const CommandResult result =
      run("'" RETINAFACE_PROGRAM
          "' detect long.mp4 --out drawn.mp4 --draw --output r.jsonl & pid=$!; "
          "while kill -0 $pid && [ ! -s r.jsonl ]; do sleep 0.02; done; kill -INT $pid; wait $pid; "
          "echo $?");
  EXPECT_EQ(result.output, "130\n");
  EXPECT_THAT(result.errors, HasSubstr("interrupted after "));
  const auto lines = lines_of(content("r.jsonl"));
  EXPECT_LT(lines.size(), 500U);
  video::VideoReader reader((folder_ / "drawn.mp4").string());
  std::size_t frames = 0;
  while (reader.next()) ++frames;
  EXPECT_EQ(frames, lines.size());
  EXPECT_EQ(reader.damage(), "");
}

}  // namespace
}  // namespace retinaface
