// `retinaface dataset` as a user meets it.

#include <fstream>
#include <string>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "retinaface/image.h"

#include "support/content_of.h"
#include "support/testing.h"

namespace retinaface {
namespace {

namespace fs = std::filesystem;
using ::testing::AllOf;
using testing::CommandResult;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;
using testing::TemporaryFolder;

CommandResult retinaface(const std::string& arguments) {
  return testing::run(fmt::format("'{}' {}", RETINAFACE_PROGRAM, arguments));
}

void put_image(const fs::path& path, int width, int height) {
  fs::create_directories(path.parent_path());
  write_image(path, Image(width, height));
}

/// The images of tests/data/label_txt.
void put_images(const fs::path& images) {
  put_image(images / "0--Parade/a picture.png", 100, 80);
  put_image(images / "b.png", 64, 64);
  put_image(images / "c.png", 32, 16);
}

/// A set of the fixture's labels and black images.
class DatasetCommand : public ::testing::Test {
 protected:
  DatasetCommand() {
    put_images(folder_ / "images");
    fs::copy_file(testing::fixture_folder() / "label_txt/label.txt", folder_ / "label.txt");
  }

  std::string path(const std::string& name) const { return "'" + (folder_ / name).string() + "'"; }
  std::string set() const { return "'" + folder_.path().string() + "'"; }

  TemporaryFolder folder_;
};

TEST_F(DatasetCommand, SoundSetChecksAsSound) {
  const CommandResult result = retinaface("dataset check " + set());
  EXPECT_EQ(result.exit_code, 0) << result.output << result.errors;
  EXPECT_THAT(result.output,
              AllOf(HasSubstr("nothing wrong"), HasSubstr("label.txt: label, images"),
                    HasSubstr("images         3   without a face 1"),
                    HasSubstr("faces            3   ignored 1"), HasSubstr("3: 1")));
  EXPECT_EQ(result.errors, "");
}

TEST_F(DatasetCommand, CheckListsWhatIsWrong) {
  fs::remove(folder_ / "images/c.png");
  std::ofstream(folder_ / "images/b.png") << "no image";
  std::ofstream(folder_ / "label.txt", std::ios::app) << "1 2 0 9\n1 2 0 9\n# b.png\n";
  const CommandResult result = retinaface("dataset check --list 1 " + set());
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_THAT(result.output, AllOf(HasSubstr("c.png: face 1 at 1.0 2.0 of 0.0 x 9.0: no area"),
                                   Not(HasSubstr("face 2 at")),
                                   HasSubstr("         2   boxes of no area, 1 listed"),
                                   HasSubstr("         1   faces that come twice"),
                                   HasSubstr("         1   missing images"),
                                   HasSubstr("         2   unreadable images, 1 listed"),
                                   HasSubstr("         1   images that come twice")));
}

TEST_F(DatasetCommand, CheckSeesAnotherSizeThanAnnotated) {
  ASSERT_EQ(retinaface("dataset convert " + set() + " --to coco -o " + path("set.json")).exit_code,
            0);
  put_image(folder_ / "images/b.png", 48, 64);
  const CommandResult result = retinaface("dataset check " + path("set.json"));
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_THAT(result.output, HasSubstr("b.png: 48 x 64 pixels, its annotations say 64 x 64"));
}

TEST_F(DatasetCommand, DrawsFacesAndIgnoredOnes) {
  const CommandResult result =
      retinaface("dataset check --draw 1 --out " + path("drawn") + " " + set());
  EXPECT_EQ(result.exit_code, 0) << result.errors;
  const Image drawn = read_image(folder_ / "drawn/0--Parade/a picture.png");
  const auto green_minus_red = [&](int x, int y) {
    return drawn.row(y)[3 * x + 1] - drawn.row(y)[3 * x];
  };
  EXPECT_GT(green_minus_red(25, 20), 100) << "the upper edge of the face's box";
  EXPECT_EQ(green_minus_red(4, 0), 0) << "the ignored face's box is gray";
  EXPECT_GT(drawn.row(0)[3 * 4], 100);
  EXPECT_FALSE(fs::exists(folder_ / "drawn/b.png")) << "one was asked for";
}

TEST_F(DatasetCommand, ConvertsToEveryFormatAndBack) {
  const std::string original = testing::content_of(folder_ / "label.txt");
  for (const char* format : {"coco", "voc", "label"}) {
    const std::string there = path(std::string("as_") + format + "/");
    ASSERT_EQ(
        retinaface(fmt::format("dataset convert {} --to {} -o {}", set(), format, there)).exit_code,
        0);
    ASSERT_EQ(retinaface(fmt::format("dataset convert {} --to label -o {} --overwrite", there,
                                     path("back")))
                  .exit_code,
              0);
    EXPECT_EQ(testing::content_of(folder_ / "back"), original) << format;
  }
}

TEST_F(DatasetCommand, ConvertMayBeRepeatedAndReplacesNothingElse) {
  for (const char* format : {"coco", "voc", "label", "wider"}) {
    const std::string there = path(std::string("to_") + format + "/");
    const std::string command =
        fmt::format("dataset convert {} --to {} -o {}", set(), format, there);
    ASSERT_EQ(retinaface(command).exit_code, 0) << format;
    const CommandResult again = retinaface(command);
    EXPECT_EQ(again.exit_code, 0) << format << "\n" << again.errors;
    for (const auto& entry :
         fs::recursive_directory_iterator(folder_ / (std::string("to_") + format))) {
      if (!entry.is_regular_file()) continue;
      const std::string text = testing::content_of(entry.path());
      std::ofstream(entry.path()) << "somebody's, " << text.size();
    }
    const CommandResult foreign = retinaface(command);
    EXPECT_EQ(foreign.exit_code, 1) << format;
    EXPECT_THAT(foreign.errors, HasSubstr("--overwrite")) << format;
  }
}

TEST_F(DatasetCommand, ConvertKeepsWhatSomebodyHasAddedToItsFiles) {
  const std::pair<const char*, const char*> places[] = {{"coco", R"("annotations": [)"},
                                                        {"voc", "<segmented>"}};
  for (const auto& [format, before] : places) {
    const std::string name = std::string("to_") + format + "/";
    const std::string command =
        fmt::format("dataset convert {} --to {} -o {}", set(), format, path(name));
    ASSERT_EQ(retinaface(command).exit_code, 0) << format;
    fs::path edited;
    std::string text;
    for (const auto& entry : fs::recursive_directory_iterator(folder_ / name)) {
      if (!entry.is_regular_file()) continue;
      edited = entry.path();
      text = testing::content_of(edited);
    }
    ASSERT_NE(text.find(before), std::string::npos) << format;
    text.insert(text.find(before), " ");
    std::ofstream(edited) << text;
    const CommandResult refused = retinaface(command);
    EXPECT_EQ(refused.exit_code, 1) << format;
    EXPECT_THAT(refused.errors, HasSubstr("--overwrite")) << format;
    EXPECT_EQ(testing::content_of(edited), text) << format;
    EXPECT_EQ(retinaface(command + " --overwrite").exit_code, 0) << format;
    EXPECT_EQ(retinaface(command).exit_code, 0) << format;
  }
}

TEST_F(DatasetCommand, ConvertRefusesBeforeItLooksAtImages) {
  const auto convert = [this](const std::string& format) {
    return retinaface(fmt::format("dataset convert {} --to {} -o {}", path("label.txt"), format,
                                  path("to_" + format + "/")));
  };
  for (const char* const format : {"coco", "voc"}) {
    ASSERT_EQ(convert(format).exit_code, 0) << format;
    for (const auto& entry :
         fs::recursive_directory_iterator(folder_ / (std::string("to_") + format))) {
      if (entry.is_regular_file()) std::ofstream(entry.path()) << "somebody's";
    }
  }
  fs::remove(folder_ / "images/b.png");  // which would be told of
  for (const char* const format : {"coco", "voc"}) {
    const CommandResult refused = convert(format);
    EXPECT_EQ(refused.exit_code, 1) << format;
    EXPECT_THAT(refused.errors, AllOf(HasSubstr("--overwrite"), Not(HasSubstr("b.png: "))))
        << format;
  }
}

TEST_F(DatasetCommand, ReadsTheChosenCategory) {
  std::ofstream(folder_ / "heads.json") << R"({"images": [{"id": 1, "file_name": "b.png"}],
             "categories": [{"id": 1, "name": "hand"}, {"id": 2, "name": "head"}],
             "annotations": [{"image_id": 1, "category_id": 1, "bbox": [1, 2, 3, 4]},
                             {"image_id": 1, "category_id": 2, "bbox": [5, 6, 7, 8]}]})";
  const std::string heads = path("heads.json");
  const CommandResult guess = retinaface("dataset check " + heads);
  EXPECT_EQ(guess.exit_code, 1);
  EXPECT_THAT(guess.errors, AllOf(HasSubstr("hand (1), head (2)"), HasSubstr("--category")));
  const CommandResult check = retinaface("dataset check " + heads + " --category head");
  EXPECT_EQ(check.exit_code, 0) << check.output << check.errors;
  EXPECT_THAT(check.output, HasSubstr("faces            1 "));
  const CommandResult convert =
      retinaface("dataset convert --category 2 " + heads + " --to label -o " + path("heads.txt"));
  EXPECT_EQ(convert.exit_code, 0) << convert.errors;
  EXPECT_THAT(testing::content_of(folder_ / "heads.txt"), HasSubstr("# b.png\n5 6 7 8"));
}

TEST_F(DatasetCommand, ConvertSaysWhatIsLost) {
  const CommandResult result =
      retinaface("dataset convert " + set() + " --to wider -o " + path("gt.txt"));
  EXPECT_EQ(result.exit_code, 0);
  EXPECT_THAT(result.errors, AllOf(HasSubstr("wider has no place for the points of 1 face"),
                                   HasSubstr("wider has no place for the quality of 1 face")));
  EXPECT_EQ(testing::content_of(folder_ / "gt.txt"),
            "0--Parade/a picture.png\n2\n10.5 20 40 50.25 2 1 1 0 2 1\n0 0 8 9 0 0 0 1 0 0\n"
            "b.png\n1\n1 2 3 4 0 0 0 0 0 0\nc.png\n0\n0 0 0 0 0 0 0 0 0 0\n");
}

TEST_F(DatasetCommand, ConvertGoesOnWithoutAnImagesSize) {
  fs::remove(folder_ / "images/c.png");
  const CommandResult result =
      retinaface("dataset convert " + set() + " --to coco -o " + path("set.json"));
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_THAT(result.errors, AllOf(HasSubstr("c.png"), HasSubstr("1 image written without")));
  EXPECT_TRUE(fs::exists(folder_ / "set.json"));
}

TEST_F(DatasetCommand, AYoloSetWithADamagedImageIsGoneThrough) {
  fs::remove(folder_ / "label.txt");
  fs::remove_all(folder_ / "images/0--Parade");
  fs::create_directories(folder_ / "labels");
  for (const char* name : {"b.txt", "c.txt", "d.txt"}) {
    std::ofstream(folder_ / "labels" / name) << "0 .5 .5 .5 .5\n";
  }
  std::ofstream(folder_ / "images/c.png") << "no image";
  const CommandResult check = retinaface("dataset check " + set());
  EXPECT_EQ(check.exit_code, 1);
  EXPECT_THAT(check.output,
              AllOf(HasSubstr("c.png"), HasSubstr("d.txt: expected an image of that name"),
                    HasSubstr("         1   missing images"),
                    HasSubstr("         1   unreadable images"), HasSubstr("images         1")));
  const CommandResult convert =
      retinaface("dataset convert " + set() + " --to label -o " + path("out.txt"));
  EXPECT_EQ(convert.exit_code, 1);
  EXPECT_THAT(convert.errors, AllOf(HasSubstr("c.png"), HasSubstr("2 images left out")));
  EXPECT_THAT(testing::content_of(folder_ / "out.txt"), StartsWith("# b.png\n16 16 32 32 "));
  EXPECT_THAT(testing::content_of(folder_ / "out.txt"), Not(HasSubstr("c.png")));
}

TEST_F(DatasetCommand, YoloComesBackByItsImages) {
  ASSERT_EQ(retinaface("dataset convert " + set() + " --to yolo -o " + path("yolo")).exit_code, 0);
  EXPECT_THAT(retinaface("dataset convert " + path("yolo") + " --to wider -o " + path("w")).errors,
              HasSubstr("--images"));
  const CommandResult back = retinaface("dataset convert " + path("yolo") + " --to wider -o " +
                                        path("back.txt") + " --images " + path("images"));
  EXPECT_EQ(back.exit_code, 0) << back.errors;
  EXPECT_THAT(testing::content_of(folder_ / "back.txt"), HasSubstr("b.png\n1\n1 2 3 4 "));
}

TEST_F(DatasetCommand, ConvertRefusesBeforeItLooksAtTheImages) {
  fs::remove(folder_ / "images/c.png");
  const CommandResult result =
      retinaface("dataset convert " + path("label.txt") + " --to coco -o " + path("label.txt"));
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_THAT(result.errors, AllOf(HasSubstr("is an input"), Not(HasSubstr("c.png"))));
}

TEST_F(DatasetCommand, NothingIsNoSet) {
  std::ofstream(folder_ / "empty.txt").close();
  std::ofstream(folder_ / "empty.json") << R"({"images": [], "annotations": [], "categories": []})";
  fs::create_directories(folder_ / "yolo/labels");
  fs::create_directories(folder_ / "yolo/images");
  fs::create_directories(folder_ / "none");
  for (const char* name : {"empty.txt", "empty.json", "yolo", "none"}) {
    for (const std::string& command :
         {"dataset check " + path(name), "dataset convert --to label -o x " + path(name),
          "evaluate set " + path(name)}) {
      const CommandResult result = retinaface(command);
      EXPECT_EQ(result.exit_code, 1) << command;
      EXPECT_THAT(result.errors, AllOf(HasSubstr(name), HasSubstr("expected annotations")))
          << command;
    }
  }
  std::ofstream(folder_ / "label.txt") << "# b.png\n";
  const CommandResult faceless = retinaface("dataset check " + set());
  EXPECT_EQ(faceless.exit_code, 1);
  EXPECT_THAT(faceless.errors, HasSubstr("expected annotated faces, found none in 1 image"));
  EXPECT_THAT(faceless.output, ::testing::Not(HasSubstr("nothing wrong")));
}

TEST_F(DatasetCommand, WrongUseIsExplained) {
  EXPECT_EQ(retinaface("dataset").exit_code, 2);
  EXPECT_EQ(retinaface("dataset check").exit_code, 2);
  EXPECT_EQ(retinaface("dataset check --draw 3 " + set()).exit_code, 2);
  EXPECT_EQ(retinaface("dataset convert " + set() + " --to points -o x").exit_code, 2);
  const CommandResult malformed = retinaface("dataset check /dev/null/none");
  EXPECT_EQ(malformed.exit_code, 1);
  std::ofstream(folder_ / "label.txt") << "# a.png\n1 2 3\n";
  const CommandResult line = retinaface("dataset check " + set());
  EXPECT_EQ(line.exit_code, 1);
  EXPECT_THAT(line.errors, HasSubstr("label.txt:2: expected 4, 20, 26 or 27 columns, found 3"));
}

}  // namespace
}  // namespace retinaface
