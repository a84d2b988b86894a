#include "pipeline/inputs.h"

#include <filesystem>
#include <fstream>
#include <thread>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include "retinaface/image.h"

#include "support/testing.h"
#include "video/video_writer.h"

namespace retinaface::pipeline {
namespace {

namespace fs = std::filesystem;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

class Inputs : public ::testing::Test {
 protected:
  void write(const std::string& name, const std::string& text = "x") const {
    fs::create_directories((folder_ / name).parent_path());
    std::ofstream(folder_ / name, std::ios::binary) << text;
  }
  /// What the arguments lead to, relative to the folder, problems after a colon.
  std::vector<std::string> found(const std::vector<std::string>& arguments,
                                 const fs::path& out = {}) const {
    std::vector<std::string> whole;
    for (const std::string& argument : arguments) whole.push_back(folder_ / argument);
    std::vector<std::string> result;
    for (const Input& input : find_inputs(whole, out)) {
      const std::string name = input.path.lexically_relative(folder_.path()).string();
      result.push_back(input.problem.empty() ? name : name + ": " + input.problem);
    }
    return result;
  }

  testing::TemporaryFolder folder_;
};

TEST_F(Inputs, ComeInTheArgumentsOrderAndSortedBelowFolders) {
  for (const char* name : {"b/2.png", "b/1.JPG", "b/deep/3.mp4", "b/notes.txt", "a.jpg"}) {
    write(name, "\x01");
  }
  EXPECT_THAT(found({"b", "a.jpg", "b/?.png", "b/notes.txt"}),
              ElementsAre("b/1.JPG", "b/2.png", "b/deep/3.mp4", "a.jpg", "b/2.png", "b/notes.txt"));
}

TEST_F(Inputs, InFoldersGoByContentWhereNamesSayNothing) {
  for (const char* name : {"in/image", "in/photo.data", "in/still.mp4", "in/raw.NEF"}) {
    fs::create_directories(folder_ / "in");
    fs::copy_file(testing::sample_folder() / "portrait.jpg", folder_ / name);
  }
  fs::copy_file(testing::fixture_folder() / "videos/bt709.mp4", folder_ / "in/video.bin");
  for (const char* known :
       {"a.heif", "a.hif", "a.heics", "a.avifs", "a.mpo", "a.jif", "a.dib", "a.apng"}) {
    write(std::string("known/") + known);
  }
  write("in/index.ts", "export const answer: number = 42;\n");
  write("in/page.pdf", "%PDF-1.7");
  write("in/P5 notes", "P5 is a format");
  write("in/.hidden", "x");
  LeftOut left_out;
  std::vector<std::string> names;
  for (const Input& input : find_inputs({folder_ / "in"}, {}, &left_out)) {
    names.push_back(input.path.filename());
  }
  EXPECT_THAT(names, ElementsAre("image", "photo.data", "still.mp4", "video.bin"));
  EXPECT_THAT(describe(left_out),
              "5 files left out: 2 without an extension, 1 .nef, 1 .pdf, 1 .ts");
  EXPECT_EQ(found({"known"}).size(), 8U);
  EXPECT_FALSE(leads_to_video(folder_ / "in/still.mp4"));
  EXPECT_TRUE(leads_to_video(folder_ / "in/video.bin"));
}

TEST_F(Inputs, SayWhatLeadsToNothing) {
  fs::create_directories(folder_ / "empty");
  EXPECT_THAT(find_inputs({""}).at(0).problem, HasSubstr("found an empty one"));
  const auto inputs = found({"empty", "*.jpg", "none.jpg"});
  EXPECT_THAT(inputs, ElementsAre(HasSubstr("empty: expected images"),
                                  HasSubstr("*.jpg: no file has such a name"), "none.jpg"));
}

TEST_F(Inputs, LeaveOutLinkedFoldersAndOwnOutputs) {
  write("in/a.jpg");
  write_image(folder_ / "in/found.jpg", Image(9, 7));
  write("in/out/b.jpg");
  fs::create_directory_symlink(".", folder_ / "in/again");
  EXPECT_THAT(found({"in"}), ElementsAre("in/a.jpg", "in/out/b.jpg"));
  LeftOut left_out;
  find_inputs({(folder_ / "in").string()}, {}, &left_out);
  EXPECT_EQ(describe(left_out),
            "1 output of this program left out; name them to read them; 1 linked folder not "
            "searched; name a link itself to search it");
  EXPECT_THAT(found({"in"}, folder_ / "in/out"), ElementsAre("in/a.jpg"));
  EXPECT_THAT(found({"in"}, folder_ / "in"), ElementsAre("in/a.jpg", "in/out/b.jpg"));
}

TEST_F(Inputs, AreOurOwnWhereAFolderHoldsNothingElse) {
  fs::create_directories(folder_ / "drawn/more");
  write_image(folder_ / "drawn/a.jpg", Image(9, 7));
  write_image(folder_ / "drawn/more/b.png", Image(9, 7));
  EXPECT_THAT(found({"drawn"}), ElementsAre("drawn/a.jpg", "drawn/more/b.png"));
  EXPECT_THAT(found({"drawn"}, folder_ / "drawn"),
              ElementsAre(HasSubstr("drawn: expected images or videos")));
  write("drawn/empty.jpg", "");
  EXPECT_THAT(found({"drawn"}), ElementsAre("drawn/empty.jpg"));
}

TEST_F(Inputs, AreVideosByNameOrContent) {
  fs::copy_file(testing::fixture_folder() / "videos/bt709.mp4", folder_ / "nameless");
  write("text", "plain text");
  EXPECT_TRUE(leads_to_video(folder_ / "nameless"));
  EXPECT_FALSE(leads_to_video(folder_ / "text"));
  EXPECT_TRUE(leads_to_video("rtsp://host/x"));
  EXPECT_TRUE(leads_to_video("/dev/video7"));
  EXPECT_FALSE(leads_to_video(kStandardStream));
}

TEST_F(Inputs, KeepWhetherTheyAreVideos) {
  fs::copy_file(testing::fixture_folder() / "videos/bt709.mp4", folder_ / "nameless");
  const Input input = {folder_ / "nameless", {}};
  EXPECT_TRUE(input.gives_frames());
  fs::remove(folder_ / "nameless");  // which by its name alone is none
  EXPECT_FALSE(leads_to_video(input.path));
  EXPECT_TRUE(input.gives_frames());
  const Input copy = input;
  EXPECT_TRUE(copy.gives_frames());
}

TEST_F(Inputs, AListHasOneALine) {
  write("list", "a.jpg\r\n\nb c.jpg\n");
  EXPECT_THAT(read_list(folder_ / "list"), ElementsAre("a.jpg", "b c.jpg"));
  write("marked",
        "\xEF\xBB\xBF"
        "a.jpg\nb.jpg");
  EXPECT_THAT(read_list(folder_ / "marked"), ElementsAre("a.jpg", "b.jpg"));
  using namespace std::string_literals;
  write("null", "a\nb.jpg\0c.jpg\r\0"s);
  EXPECT_THAT(read_list(folder_ / "null", '\0'), ElementsAre("a\nb.jpg", "c.jpg\r"));
  const auto said = [&](const OptionSpelling& name) {
    return std::string(testing::error_of([&] { read_list(folder_ / "null", '\n', name); }).what());
  };
  EXPECT_THAT(said({}), HasSubstr("between them; say null"));
  EXPECT_THAT(said({.prefix = "--"}), HasSubstr("between them; say --null"));
  write("wide",
        "\xFF\xFE"
        "a\0"s);
  EXPECT_THAT(testing::error_of([&] { read_list(folder_ / "wide"); }).what(), HasSubstr("UTF-16"));
  EXPECT_EQ(testing::error_of([&] { read_list(folder_ / "none"); }).code(), ErrorCode::kNotFound);
}

TEST_F(Inputs, AreListedByAPipeToo) {
  ASSERT_EQ(::mkfifo((folder_ / "list").c_str(), 0600), 0);
  const std::jthread writer([&] { std::ofstream(folder_ / "list") << "a.jpg\nb c.jpg\n"; });
  EXPECT_THAT(read_list(folder_ / "list"), ElementsAre("a.jpg", "b c.jpg"));
}

TEST_F(Inputs, LeaveOutPartsAndOwnVideosWhateverTheirNames) {
  write("in/a.jpg");
  fs::copy_file(testing::fixture_folder() / "videos/bt709.mp4",
                folder_ / "in/v.mkv.0123abcd-1.part");
  {
    video::VideoWriter writer(folder_ / "made.mp4", 16, 16);
    writer.write(Image(16, 16), 0);
    writer.finish();
  }
  fs::rename(folder_ / "made.mp4", folder_ / "in/made");
  EXPECT_THAT(found({"in"}), ElementsAre("in/a.jpg"));
  LeftOut left_out;
  find_inputs({(folder_ / "in").string()}, {}, &left_out);
  EXPECT_THAT(describe(left_out), HasSubstr("2 outputs of this program left out"));
}

}  // namespace
}  // namespace retinaface::pipeline
