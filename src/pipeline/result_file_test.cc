#include "pipeline/result_file.h"

#include <filesystem>
#include <fstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "pipeline/results.h"
#include "support/content_of.h"
#include "support/testing.h"

namespace retinaface::pipeline {
namespace {

namespace fs = std::filesystem;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Pair;

class ResultFileTest : public ::testing::Test {
 protected:
  std::string content() const { return testing::content_of(path_); }
  void write(const std::string& text) const { std::ofstream(path_, std::ios::binary) << text; }

  testing::TemporaryFolder folder_;
  const std::string path_ = folder_ / "r.jsonl";
  const std::atomic<bool> never_ = false;
};

std::string line(const std::string& image) {
  return to_json({.path = image, .width = 4, .height = 3, .faces = {}}) + "\n";
}

std::string frame_line(std::int64_t number, std::int64_t track) {
  return to_json({.path = "v.mp4",
                  .width = 4,
                  .height = 3,
                  .faces = {Face{0.9F, {1, 1, 2, 2}, {}}},
                  .frame = video::FrameStamp{number, 0.5},
                  .tracks = {track}}) +
         "\n";
}

TEST_F(ResultFileTest, BeginAnewOrGoOnBehindTheLastWholeLine) {
  write(line("a.jpg") + line("b.jpg") + "{\"image\": \"c.j");
  {
    ResultFile file(path_, true, never_);
    EXPECT_THAT(file.done(), ElementsAre(Pair("a.jpg", 0U), Pair("b.jpg", 0U)));
    file.put(line("c.jpg"));
    EXPECT_EQ(content(), line("a.jpg") + line("b.jpg") + line("c.jpg"));
  }
  ResultFile anew(path_, false, never_);
  EXPECT_TRUE(anew.done().empty());
  anew.put(line("d.jpg"));
  EXPECT_EQ(content(), line("d.jpg"));
}

TEST_F(ResultFileTest, KeepEarlierLinesUntilThereIsANewOne) {
  write(line("a.jpg"));
  fs::permissions(path_, fs::perms(0600));
  std::vector<std::string> seen;  // in the file, before it is replaced and after that
  const auto note = [&] { seen.push_back(content()); };
  {
    ResultFile file(path_, false, never_);
    file.when_begun(note, note);
    EXPECT_TRUE(file.has_earlier());
    EXPECT_FALSE(file.close(false));
  }
  EXPECT_EQ(content(), line("a.jpg"));
  EXPECT_THAT(seen, IsEmpty());
  ResultFile file(path_, false, never_);
  file.when_begun(note, note);
  file.put(line("b.jpg"));
  file.put(line("c.jpg"));
  EXPECT_EQ(content(), line("b.jpg") + line("c.jpg"));
  EXPECT_THAT(seen, ElementsAre(line("a.jpg"), line("b.jpg")));
  EXPECT_EQ(fs::status(path_).permissions(), fs::perms(0600));
  EXPECT_TRUE(file.close());
  EXPECT_EQ(std::distance(fs::directory_iterator(folder_.path()), {}), 1);
}

TEST_F(ResultFileTest, ReplaceAnEarlierDocumentAtTheirEndOnly) {
  for (const bool replaces : {false, true}) {
    write("[earlier]");
    ResultFile file(path_, false, never_, true);
    file.put("[new]");
    EXPECT_EQ(content(), "[earlier]");
    EXPECT_EQ(file.close(replaces), replaces);
    EXPECT_EQ(content(), replaces ? "[new]" : "[earlier]");
  }
  fs::remove(path_);
  {
    ResultFile failed(path_, false, never_, true);
    failed.put("[");
  }
  EXPECT_TRUE(fs::is_empty(folder_.path()));
  ResultFile first(path_, false, never_, true);
  first.put("[as far as it came]");
  EXPECT_TRUE(first.close(false));
  EXPECT_EQ(content(), "[as far as it came]");
}

TEST_F(ResultFileTest, KnowHowFarVideosAre) {
  write(frame_line(0, 4) + frame_line(3, 2));
  const ResultFile file(path_, true, never_);
  ASSERT_TRUE(file.videos_done().contains("v.mp4"));
  const VideoDone& video = file.videos_done().at("v.mp4");
  EXPECT_EQ(video.last.number, 3);
  EXPECT_EQ(video.highest_track, 4);
  EXPECT_THAT(video.tracks, ElementsAre(2));
  EXPECT_THAT(video.faces_of_frames, ElementsAre(Pair(0, 1U), Pair(3, 1U)));
  EXPECT_TRUE(file.done().empty());
}

TEST_F(ResultFileTest, RefuseWhatIsNoneAndLeaveIt) {
  write("some text\n");
  EXPECT_EQ(testing::error_of([&] { ResultFile(path_, true, never_); }).code(),
            ErrorCode::kBadData);
  EXPECT_EQ(content(), "some text\n");
}

TEST_F(ResultFileTest, AreWholeWhenTheyAreClosed) {
  ResultFile file(path_, false, never_);
  file.put(line("a.jpg"));
  file.close();
  file.put(line("b.jpg"));
  EXPECT_EQ(content(), line("a.jpg"));
}

TEST_F(ResultFileTest, NameAFileThatCannotBeLookedFor) {
  const std::string path = folder_ / std::string(300, 'n');  // longer than names may be
  const Error error = testing::error_of([&] { ResultFile(path, true, never_); });
  EXPECT_EQ(error.code(), ErrorCode::kUnwritable);
  EXPECT_THAT(error.what(), ::testing::StartsWith(path + ": "));
}

TEST_F(ResultFileTest, MayGoNowhereAndFailWhereTheyCannot) {
  ResultFile("", false, never_).put("text");
  ResultFile full("/dev/full", false, never_);
  EXPECT_EQ(testing::error_of([&] { full.put("text"); }).code(), ErrorCode::kUnwritable);
}

}  // namespace
}  // namespace retinaface::pipeline
