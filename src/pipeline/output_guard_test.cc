#include "pipeline/output_guard.h"

#include <filesystem>
#include <fstream>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "retinaface/image.h"

#include "support/testing.h"

namespace retinaface::pipeline {
namespace {

namespace fs = std::filesystem;
using ::testing::AllOf;
using ::testing::HasSubstr;

class Guard : public ::testing::Test {
 protected:
  void write(const std::string& name, const std::string& text) const {
    fs::create_directories((folder_ / name).parent_path());
    std::ofstream(folder_ / name, std::ios::binary) << text;
  }
  std::string refusal(const std::function<void()>& action) const {
    const Error error = testing::error_of(action);
    EXPECT_EQ(error.code(), ErrorCode::kInvalidArgument);
    return error.what();
  }

  testing::TemporaryFolder folder_;
  OutputGuard guard_{false, {.prefix = "--"}};
};

TEST_F(Guard, KnowsAFileByAnyOfItsNames) {
  write("a", "some text");
  fs::create_symlink("a", folder_ / "link");
  fs::create_hard_link(folder_ / "a", folder_ / "hard");
  fs::create_directory_symlink(folder_.path(), folder_ / "folder");
  guard_.reads(folder_ / "a");
  for (const char* name : {"a", "link", "hard", "folder/a", "folder/folder/a"}) {
    EXPECT_THAT(refusal([&] { guard_.writes(folder_ / name, OutputKind::kResults); }),
                AllOf(HasSubstr(name), HasSubstr("is an input")))
        << name;
  }
  OutputGuard overwriting(true);
  overwriting.writes(folder_ / "hard", OutputKind::kResults);
  EXPECT_THAT(refusal([&] { overwriting.reads(folder_ / "a"); }), HasSubstr("is an input"));
}

TEST_F(Guard, NamesTheOptionAsTheFrontDoorDoes) {
  write("a", "some text");
  OutputGuard plain(false);
  EXPECT_THAT(refusal([&] { plain.writes(folder_ / "a", OutputKind::kResults); }),
              HasSubstr("or say overwrite to replace it"));
  EXPECT_THAT(refusal([&] { guard_.writes(folder_ / "a", OutputKind::kResults); }),
              HasSubstr("or say --overwrite to replace it"));
}

TEST_F(Guard, KnowsAFileThatIsStillToBeMade) {
  fs::create_directories(folder_ / "real");
  fs::create_directory_symlink("real", folder_ / "link");
  write("x", "1");
  write("y", "2");
  guard_.writes(folder_ / "real/new/a", OutputKind::kImage, folder_ / "x");
  guard_.writes(folder_ / "real/new/b", OutputKind::kImage, folder_ / "y");
  guard_.writes(folder_ / "real/new/a", OutputKind::kImage, folder_ / "./x");  // the same input
  EXPECT_THAT(
      refusal([&] { guard_.writes(folder_ / "link/new/a", OutputKind::kImage, folder_ / "y"); }),
      AllOf(HasSubstr("/x"), HasSubstr("/y")));
}

TEST_F(Guard, TakesAFolderForNumberedFiles) {
  write("x", "1");
  write("y", "2");
  write("o/x.faces/notes.png", "not a number's name");
  guard_.writes({folder_ / "o/x.faces", ".png", OutputKind::kImage}, folder_ / "x");
  guard_.writes(folder_ / "o/x.faces/name.png", OutputKind::kImage, folder_ / "y");
  guard_.writes(folder_ / "o/x.faces/1.jpg", OutputKind::kImage, folder_ / "y");
  EXPECT_THAT(refusal([&] {
                guard_.writes(folder_ / "o/x.faces/1.png", OutputKind::kImage, folder_ / "y");
              }),
              HasSubstr("/y"));

  OutputGuard other_order(false);
  other_order.writes(folder_ / "n/1.png", OutputKind::kImage, folder_ / "y");
  EXPECT_THAT(refusal([&] {
                other_order.writes({folder_ / "n", ".png", OutputKind::kImage}, folder_ / "x");
              }),
              AllOf(HasSubstr("/x"), HasSubstr("/y")));

  write("faces/3.png", "foreign");
  EXPECT_THAT(refusal([&] {
                guard_.writes({folder_ / "faces", ".png", OutputKind::kImage}, folder_ / "x");
              }),
              HasSubstr("--overwrite"));
}

TEST_F(Guard, RefusesAFileThatIsToBeAFolderToo) {
  write("x", "1");
  write("y", "2");
  guard_.writes(folder_ / "found", OutputKind::kResults);
  EXPECT_THAT(
      refusal([&] { guard_.writes(folder_ / "found/a/x.jpg", OutputKind::kImage, folder_ / "x"); }),
      AllOf(HasSubstr("found both"), HasSubstr("found/a/x.jpg")));
  guard_.writes(folder_ / "o/a.jpg/b.jpg", OutputKind::kImage, folder_ / "x");
  EXPECT_THAT(
      refusal([&] { guard_.writes(folder_ / "o/a.jpg", OutputKind::kImage, folder_ / "y"); }),
      HasSubstr("o/a.jpg: expected a file or a folder"));
  guard_.writes({folder_ / "m/x.meshes", ".obj", OutputKind::kMesh}, folder_ / "x");
  EXPECT_THAT(refusal([&] { guard_.writes(folder_ / "m", OutputKind::kResults); }),
              HasSubstr("x.meshes"));
  // A file that is there already, ours or not.
  EXPECT_THAT(refusal([&] { guard_.writes(folder_ / "y/1", OutputKind::kImage, folder_ / "x"); }),
              HasSubstr("/y: expected a file or a folder"));
}

TEST_F(Guard, SaysBeforeTheWorkThatAPlaceCannotBe) {
  const Error error =
      testing::error_of([&] { guard_.writes(folder_ / "none/a.json", OutputKind::kReport); });
  EXPECT_EQ(error.code(), ErrorCode::kUnwritable);
  EXPECT_THAT(error.what(), HasSubstr("none/a.json: cannot be written: there is no folder"));
  guard_.writes(folder_ / "a.svg", OutputKind::kFigure);
  guard_.writes(folder_ / "made/a.jpg", OutputKind::kImage);
}

TEST_F(Guard, ReplacesWhatIsOurs) {
  write("lines", "{\"image\": \"a.jpg\", \"width\": 1, \"height\": 1, \"faces\": []}\n");
  write("begun", "{\"image\": \"a.jp");
  write("array",
        "[\n{\"image\": \"a.jpg\", \"width\": 1, \"height\": 1, \"faces\": []},\n{\"image\": "
        "\"b.jpg\", "
        "\"width\": 1, \"height\": 1, \"faces\": []}\n]\n");
  write("begun array", "[\n{\"image\": \"a.jp");
  write("empty array", "[\n]\n");
  write("csv", "image,width,height,score,x0,y0,x1,y1,left_eye_x\n");
  write("empty", "");
  for (const char* name :
       {"lines", "begun", "array", "begun array", "empty array", "csv", "empty"}) {
    EXPECT_NO_THROW(guard_.writes(folder_ / name, OutputKind::kResults)) << name;
  }
  for (const char* name : {"a.jpg", "a.png", "a.webp"}) {
    write_image(folder_ / name, Image(9, 7));
    EXPECT_NO_THROW(guard_.writes(folder_ / name, OutputKind::kImage)) << name;
  }
  write("e/a.txt", "e/a\n1\n1.00 2.00 3.00 4.00 0.50000\n");
  EXPECT_NO_THROW(guard_.writes(folder_ / "e/a.txt", OutputKind::kPredictions));
  EXPECT_NO_THROW(guard_.writes("/dev/null", OutputKind::kWeights));
}

TEST_F(Guard, ReplacesNothingElseUnlessToldTo) {
  write("list", "a.jpg\nb.jpg\n");
  write("other.json", "{\"image\": 1}\n");
  write("array.json", "[\n{\"image\": 1}\n]\n");
  write("truth.txt", "e/a\n1\n1.00 2.00 3.00 4.00 0 0 0 0 0 0\n");
  write_image(folder_ / "a.jpg", Image(9, 7));
  const std::pair<const char*, OutputKind> cases[] = {
      {"list", OutputKind::kResults},       {"other.json", OutputKind::kResults},
      {"array.json", OutputKind::kResults}, {"a.jpg", OutputKind::kResults},
      {"list", OutputKind::kImage},         {"truth.txt", OutputKind::kPredictions},
      {"list", OutputKind::kWeights},       {"list", OutputKind::kOnnx},
      {"list", OutputKind::kReport},        {"list", OutputKind::kFigure},
      {"list", OutputKind::kPage},          {"list", OutputKind::kVideo},
      {"list", OutputKind::kAnnotations}};
  for (const auto& [name, kind] : cases) {
    OutputGuard guard(false, {.prefix = "--"});
    EXPECT_THAT(refusal([&, name = name, kind = kind] { guard.writes(folder_ / name, kind); }),
                AllOf(HasSubstr(name), HasSubstr("--overwrite")));
    OutputGuard overwriting(true);
    EXPECT_NO_THROW(overwriting.writes(folder_ / name, kind));
  }
  OutputGuard overwriting(true);
  EXPECT_THAT(refusal([&] { overwriting.writes(folder_.path(), OutputKind::kResults); }),
              HasSubstr("folder"));
}

TEST_F(Guard, TellsThatTwoOutputsOfACommandAreOne) {
  guard_.writes(folder_ / "z.json", OutputKind::kReport);
  EXPECT_THAT(refusal([&] { guard_.writes(folder_ / "z.json", OutputKind::kFigure); }),
              HasSubstr("z.json: expected one output there, found two of the command's"));
}

TEST_F(Guard, SeesThroughLinksToWhatIsNotThereYet) {
  std::filesystem::create_symlink("new.jpg", folder_ / "a.jpg");
  std::filesystem::create_symlink("a.jpg", folder_ / "b.jsonl");
  guard_.writes(folder_ / "a.jpg", OutputKind::kImage, folder_ / "x");
  EXPECT_THAT(refusal([&] { guard_.writes(folder_ / "b.jsonl", OutputKind::kResults); }),
              HasSubstr("two that would be written there"));
  std::filesystem::create_symlink("round", folder_ / "round");  // which leads nowhere
  EXPECT_NO_THROW(guard_.writes(folder_ / "round", OutputKind::kResults));
}

TEST_F(Guard, KnowsTheFileOfAModelThatIsNamed) {
  write("shallow-700m.safetensors", "weights");
  ASSERT_EQ(::setenv("RETINAFACE_MODELS", folder_.path().c_str(), 1), 0);
  guard_.reads_model("shallow-700m");
  ::unsetenv("RETINAFACE_MODELS");
  EXPECT_THAT(
      refusal([&] { guard_.writes(folder_ / "shallow-700m.safetensors", OutputKind::kWeights); }),
      HasSubstr("is an input"));
}

TEST_F(Guard, LetsOnlyFiguresGoToStandardOutput) {
  guard_.writes("-", OutputKind::kReport);
  guard_.writes("./-", OutputKind::kWeights);
  const auto says = AllOf(HasSubstr("standard output"), HasSubstr("./- is the file or folder"));
  EXPECT_THAT(refusal([&] { guard_.writes("-", OutputKind::kWeights); }), says);
  EXPECT_THAT(refusal([&] { guard_.writes("-/a.jpg", OutputKind::kImage); }), says);
  EXPECT_THAT(refusal([&] { guard_.writes({"-", ".png", OutputKind::kImage}); }), says);
  EXPECT_THAT(refusal([&] { guard_.continues("-", OutputKind::kResults); }), says);
}

}  // namespace
}  // namespace retinaface::pipeline
