// `retinaface detect` as a user meets it.

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sched.h>
#include <sys/stat.h>
#include <unistd.h>

#include "retinaface/image.h"

#include "support/content_of.h"
#include "support/testing.h"

namespace retinaface {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;
using ::testing::AllOf;
using ::testing::AnyOf;
using testing::CommandResult;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using testing::lines_of;
using testing::sample_folder;
using ::testing::StartsWith;
using testing::TemporaryFolder;

class Detect : public ::testing::Test {
 protected:
  /// In the temporary folder, as `retinaface detect ARGUMENTS`.
  CommandResult detect(const std::string& arguments) const {
    return testing::run("cd '" + folder_.path().string() + "' && '" RETINAFACE_PROGRAM "' detect " +
                        arguments);
  }

  void copy_sample(const std::string& sample, const std::string& to) const {
    fs::create_directories((folder_ / to).parent_path());
    fs::copy_file(sample_folder() / sample, folder_ / to);
  }

  void write(const std::string& name, const std::string& content) const {
    std::ofstream(folder_ / name, std::ios::binary) << content;
  }

  std::string content(const std::string& name) const { return testing::content_of(folder_ / name); }

  const TemporaryFolder folder_;
};

std::vector<std::string> images_of(const std::string& output) {
  std::vector<std::string> images;
  for (const std::string& line : lines_of(output)) images.push_back(json::parse(line)["image"]);
  return images;
}

TEST_F(Detect, WorksWithAsManyThreadsAsItMayRunOn) {
  copy_sample("grey.png", "a.png");
  copy_sample("grey.png", "b.png");
  const auto bound = testing::run(
      "cd '" + folder_.path().string() + "' && taskset -c " + std::to_string(::sched_getcpu()) +
      " '" RETINAFACE_PROGRAM "' detect a.png b.png --threads 0 --verbose");
  EXPECT_EQ(bound.exit_code, 0) << bound.errors;
  EXPECT_THAT(bound.errors, HasSubstr(", 1 thread"));
  EXPECT_THAT(detect("a.png b.png --threads 2 --verbose").errors, HasSubstr(", 2 threads"));
}

TEST_F(Detect, SaysThatAListIsEmpty) {
  const auto result = detect("--list /dev/null");
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_THAT(lines_of(result.errors), ElementsAre(HasSubstr("/dev/null: expected names")));
}

TEST_F(Detect, WritesOneJsonLineAnImage) {
  copy_sample("portrait.jpg", "a.jpg");
  const auto result = detect("a.jpg");
  EXPECT_EQ(result.exit_code, 0);
  EXPECT_EQ(result.errors, "");
  ASSERT_EQ(lines_of(result.output).size(), 1U);
  const json line = json::parse(result.output);
  std::vector<std::string> keys;
  const auto ordered = nlohmann::ordered_json::parse(result.output);
  for (const auto& [key, value] : ordered.items()) {
    keys.push_back(key);
  }
  EXPECT_THAT(keys, ElementsAre("image", "width", "height", "faces", "ms"));
  EXPECT_EQ(line["image"], "a.jpg");
  EXPECT_EQ(line["width"], 512);
  EXPECT_EQ(line["height"], 512);
  EXPECT_GT(line["ms"], 0);
  ASSERT_EQ(line["faces"].size(), 1U);
  const json& face = line["faces"][0];
  EXPECT_EQ(face.size(), 3U);
  EXPECT_GT(face["score"], 0.9);
  EXPECT_EQ(face["box"].size(), 4U);
  EXPECT_EQ(face["landmarks"].size(), 5U);
  for (const json& point : face["landmarks"]) {  // the portrait's points lie inside its box
    EXPECT_GT(point[0], face["box"][0]);
    EXPECT_LT(point[0], face["box"][2]);
    EXPECT_GT(point[1], face["box"][1]);
    EXPECT_LT(point[1], face["box"][3]);
  }
  EXPECT_LT(face["landmarks"][0][0], face["landmarks"][1][0]);  // the left eye is on the left
}

TEST_F(Detect, KeepsTheOrderOfItsInputs) {
  for (const char* name : {"z.png", "folder/b.png", "folder/a.PNG", "folder/deep/c.png", "m.png"}) {
    copy_sample("grey.png", name);
  }
  write("folder/notes.txt", "not an image");
  const auto one = detect("z.png folder m.png --threads 1");
  EXPECT_EQ(one.exit_code, 0) << one.errors;
  EXPECT_THAT(images_of(one.output),
              ElementsAre("z.png", "folder/a.PNG", "folder/b.png", "folder/deep/c.png", "m.png"));
  const auto four = detect("z.png folder m.png --threads 4");
  EXPECT_EQ(images_of(four.output), images_of(one.output));
  for (std::size_t i = 0; i < 5; ++i) {
    EXPECT_EQ(json::parse(lines_of(four.output)[i])["faces"],
              json::parse(lines_of(one.output)[i])["faces"]);
  }
}

TEST_F(Detect, ReadsJpegsThatLackOnlyTheirEnd) {
  copy_sample("portrait.jpg", "whole.jpg");
  const std::string whole = content("whole.jpg");
  write("cut.jpg", whole.substr(0, whole.size() * 9 / 10));
  const auto lenient = detect("cut.jpg");
  EXPECT_EQ(lenient.exit_code, 0);
  EXPECT_EQ(lenient.errors,
            "retinaface: cut.jpg: truncated JPEG: it ends early, the rest of it is gray\n");
  EXPECT_EQ(json::parse(lenient.output)["faces"].size(), 1U);
  const auto strict = detect("cut.jpg whole.jpg --strict");
  EXPECT_EQ(strict.exit_code, 1);
  EXPECT_THAT(strict.errors, StartsWith("retinaface: cut.jpg: truncated or corrupt JPEG: "));
  EXPECT_THAT(images_of(strict.output), ElementsAre("whole.jpg"));
}

TEST_F(Detect, LaysTransparentImagesOnABackground) {
  // The face stands in pixels that nobody sees.
  fs::copy_file(testing::fixture_folder() / "hidden_face.webp", folder_ / "hidden.webp");
  for (const char* background : {"", "--background black", "--background '#1a2b3c'"}) {
    const auto result = detect(std::string("hidden.webp --min-score 0.3 ") + background);
    EXPECT_EQ(result.exit_code, 0) << result.errors;
    EXPECT_THAT(json::parse(result.output)["faces"], IsEmpty()) << background;
  }
  for (const char* color : {"grey", "#12345", "1a2b3c", "#1a2b3g"}) {
    const auto result = detect(std::string("hidden.webp --background ") + "'" + color + "'");
    EXPECT_EQ(result.exit_code, 2) << color;
    EXPECT_THAT(result.errors, HasSubstr("--background: expected white, black or a color"));
  }
  EXPECT_THAT(detect("hidden.webp --background ''").errors,
              HasSubstr("--background: expected a value, found an empty one"));
}

TEST_F(Detect, DoesTheOthersWhenSomeFail) {
  copy_sample("grey.png", "good.png");
  copy_sample("portrait.jpg", "last.jpg");
  write("cut.jpg", content("last.jpg").substr(0, 300));
  write("text.png", "no image");
  fs::create_directories(folder_ / "empty");
  const auto result = detect("missing.jpg good.png cut.jpg text.png empty last.jpg");
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_THAT(images_of(result.output), ElementsAre("good.png", "last.jpg"));
  EXPECT_THAT(
      lines_of(result.errors),
      ElementsAre(StartsWith("retinaface: missing.jpg: "), StartsWith("retinaface: cut.jpg: "),
                  StartsWith("retinaface: text.png: "), StartsWith("retinaface: empty: ")));
  const auto nothing = detect("missing.jpg");
  EXPECT_EQ(nothing.exit_code, 1);
  EXPECT_EQ(nothing.output, "");
}

TEST_F(Detect, KeepsOddPathsOnOneLine) {
  const std::string odd = "odd\n\"na\xffme\xc3\xbc.png";
  copy_sample("grey.png", odd);
  write("bad\n.png", "no image");
  const auto result = detect("./*");
  EXPECT_EQ(result.exit_code, 1);
  ASSERT_EQ(lines_of(result.output).size(), 1U);
  EXPECT_EQ(json::parse(result.output)["faces"].size(), 1U);
  EXPECT_THAT(json::parse(result.output)["image"].get<std::string>(),
              AllOf(StartsWith("./odd\n\"na"), HasSubstr("me\xc3\xbc.png")));
  EXPECT_THAT(lines_of(result.errors), ElementsAre(HasSubstr("bad\\x0a.png")));
}

TEST_F(Detect, ReportsWhatMayNotBeRead) {
  if (::geteuid() == 0) GTEST_SKIP() << "root may read everything";
  copy_sample("grey.png", "locked.png");
  copy_sample("grey.png", "shut/in.png");
  fs::permissions(folder_ / "locked.png", fs::perms::none);
  fs::permissions(folder_ / "shut", fs::perms::none);
  const auto result = detect("locked.png shut");
  fs::permissions(folder_ / "shut", fs::perms::owner_all);
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_THAT(lines_of(result.errors), ElementsAre(HasSubstr("locked.png"), HasSubstr("shut")));
}

TEST_F(Detect, DoesNotWaitForPipesOrFollowCircles) {
  copy_sample("grey.png", "folder/a.png");
  fs::create_directory_symlink("..", folder_ / "folder/circle");
  const auto result = detect("folder");
  EXPECT_EQ(result.exit_code, 0) << result.errors;
  EXPECT_THAT(images_of(result.output), ElementsAre("folder/a.png"));
}

TEST_F(Detect, DoesAllElseWhenAPartOfAFolderCannotBeRead) {
  for (const char* name : {"f/a.png", "f/b/b.png", "f/m/m.png", "f/z/z.png", "f/zz.png"}) {
    copy_sample("grey.png", name);
  }
  ASSERT_EQ(::mkfifo((folder_ / "f/fifo.jpg").c_str(), 0600), 0);
  // Root may read everything, so the program runs as somebody else.
  for (const auto& entry : fs::recursive_directory_iterator(folder_.path())) {
    fs::permissions(entry.path(), fs::perms(entry.is_directory() ? 0755 : 0644));
  }
  fs::permissions(folder_.path(), fs::perms(0755));
  fs::permissions(folder_ / "f/m", fs::perms::none);
  const std::string as_nobody =
      ::geteuid() == 0 ? "setpriv --reuid=65534 --regid=65534 --clear-groups " : "";
  const auto result = testing::run("cd '" + folder_.path().string() + "' && timeout -k 3 60 " +
                                   as_nobody + "'" RETINAFACE_PROGRAM "' detect f");
  fs::permissions(folder_ / "f/m", fs::perms::owner_all);
  EXPECT_EQ(result.exit_code, 1) << result.errors;
  EXPECT_THAT(images_of(result.output),
              ElementsAre("f/a.png", "f/b/b.png", "f/z/z.png", "f/zz.png"));
  EXPECT_THAT(
      lines_of(result.errors),
      ElementsAre(HasSubstr("f/fifo.jpg"), AllOf(HasSubstr("f/m"), HasSubstr("ermission"))));
}

TEST_F(Detect, ASignalEndsAWaitForAPipe) {
  ASSERT_EQ(::mkfifo((folder_ / "fifo.jpg").c_str(), 0600), 0);
  for (const char* input : {"fifo.jpg", "- < both"}) {
    const auto result =
        testing::run("cd '" + folder_.path().string() +
                     "' && rm -f both && mkfifo both && exec 9<>both && timeout -k 20 -s TERM 5 "
                     "'" RETINAFACE_PROGRAM "' detect " +
                     input + "; echo $?");
    EXPECT_THAT(result.output, AnyOf("124\n", "130\n")) << input;  // timeout's own, not 137
    EXPECT_THAT(result.errors, HasSubstr("interrupted")) << input;
  }
}

TEST_F(Detect, WaitsForNoPipeThatItWouldWriteAnImageOrItsRecordTo) {
  copy_sample("portrait.jpg", "a.jpg");
  for (const char* pipe : {"pipe.jpg", "pipe.mp4", "r.jsonl.request"}) {
    ASSERT_EQ(::mkfifo((folder_ / pipe).c_str(), 0600), 0);
  }
  fs::copy_file(testing::fixture_folder() / "videos/bt709.mp4", folder_ / "v.mp4");
  for (const auto& [arguments, pipe] :
       {std::pair("a.jpg --draw --out pipe.jpg", "pipe.jpg"),
        std::pair("v.mp4 --blur --out pipe.mp4", "pipe.mp4"),
        std::pair("a.jpg -o r.jsonl", "r.jsonl.request"),
        std::pair("a.jpg -o r.jsonl --resume", "r.jsonl.request")}) {
    const auto result =
        testing::run("cd '" + folder_.path().string() +
                     "' && timeout -k 3 60 '" RETINAFACE_PROGRAM "' detect " + arguments);
    EXPECT_EQ(result.exit_code, 1) << arguments;
    EXPECT_THAT(
        lines_of(result.errors),
        ElementsAre(HasSubstr(std::string(pipe) + ": expected a file, found a pipe or a device")));
    EXPECT_TRUE(fs::is_fifo(folder_ / pipe));
  }
}

TEST_F(Detect, KeepsEarlierResultsWhereNothingCanBeRead) {
  copy_sample("portrait.jpg", "a.jpg");
  for (const std::string name : {"r.jsonl", "r.json", "r.csv"}) {
    ASSERT_EQ(detect("a.jpg -o " + name).exit_code, 0);
    const std::string earlier = content(name);
    const auto result = detect("mistyped.jpg --min-score 0.4 -o " + name);
    EXPECT_EQ(result.exit_code, 1);
    EXPECT_THAT(result.errors, HasSubstr(name + ": keeps the results of an earlier run"));
    EXPECT_EQ(content(name), earlier);
  }
  // Nor is it said that they were asked for otherwise.
  EXPECT_EQ(detect("a.jpg -o r.jsonl --resume").exit_code, 0);
}

TEST_F(Detect, LeavesOutWhatItWroteBefore) {
  copy_sample("portrait.jpg", "photos/a.jpg");
  for (const char* command : {"photos --out photos/blurred --blur", "photos --out . --crops"}) {
    const auto first = detect(command);
    const auto second = detect(command);
    EXPECT_EQ(second.exit_code, 0) << second.errors;
    EXPECT_THAT(images_of(first.output), ElementsAre("photos/a.jpg")) << command;
    EXPECT_THAT(images_of(second.output), ElementsAre("photos/a.jpg")) << command;
    fs::remove_all(folder_ / "photos/blurred");
  }
  EXPECT_TRUE(fs::exists(folder_ / "photos/a.jpg.faces/0.png"));
}

TEST_F(Detect, TurnsImagesUpright) {
  copy_sample("turned.jpg", "turned.jpg");
  const json line = json::parse(detect("turned.jpg").output);
  EXPECT_EQ(line["width"], 320);
  EXPECT_EQ(line["height"], 420);
  ASSERT_EQ(line["faces"].size(), 1U);
  // Upright: the eyes are above the mouth.
  EXPECT_LT(line["faces"][0]["landmarks"][0][1], line["faces"][0]["landmarks"][3][1]);
}

TEST_F(Detect, TakesItsThresholdsAndScales) {
  copy_sample("crowd.webp", "c.webp");
  const auto count = [&](const std::string& options) {
    return json::parse(detect("c.webp " + options).output)["faces"].size();
  };
  const std::size_t usual = count("");
  EXPECT_GT(usual, 20U);
  EXPECT_GT(count("--min-score 0.02"), usual);
  EXPECT_EQ(count("--min-score 1"), 0U);
  EXPECT_GT(count("--nms 1"), usual);
  EXPECT_GT(count("--scales 1,2"), usual);  // the smallest faces need a larger image
  EXPECT_EQ(count("--scales auto"), usual);
  EXPECT_GT(count("--scales 1"), 20U);
  EXPECT_EQ(count("--model mnet025"), usual);
}

TEST_F(Detect, WritesWhatTheEvaluatorOfWiderReads) {
  copy_sample("portrait.jpg", "in/0--Parade/0_Parade_1.jpg");
  std::ofstream(folder_ / "in/0--Parade/0_Parade_2.ppm", std::ios::binary)
      << "P6\n64 48\n255\n"
      << std::string(std::size_t{64} * 48 * 3, '\0');
  const auto result = detect("in --format wider --out predictions");
  EXPECT_EQ(result.exit_code, 0) << result.errors;
  EXPECT_EQ(result.output, "");
  const auto lines = lines_of(content("predictions/0--Parade/0_Parade_1.txt"));
  ASSERT_EQ(lines.size(), 3U);
  EXPECT_EQ(lines[0], "0--Parade/0_Parade_1");
  EXPECT_EQ(lines[1], "1");
  EXPECT_THAT(lines[2],
              ::testing::MatchesRegex("[0-9]+\\.[0-9][0-9] [0-9]+\\.[0-9][0-9] [0-9]+\\.[0-9][0-9] "
                                      "[0-9]+\\.[0-9][0-9] 0\\.[0-9][0-9][0-9][0-9][0-9]"));
  const json face = json::parse(detect("in/0--Parade/0_Parade_1.jpg").output)["faces"][0];
  double x = 0;
  double y = 0;
  double width = 0;
  double height = 0;
  double score = 0;
  std::istringstream(lines[2]) >> x >> y >> width >> height >> score;
  EXPECT_NEAR(x, face["box"][0].get<double>(), 0.02);
  EXPECT_NEAR(y, face["box"][1].get<double>(), 0.02);
  EXPECT_NEAR(x + width, face["box"][2].get<double>(), 0.03);
  EXPECT_NEAR(y + height, face["box"][3].get<double>(), 0.03);
  EXPECT_NEAR(score, face["score"].get<double>(), 1e-5);
  EXPECT_EQ(content("predictions/0--Parade/0_Parade_2.txt"), "0--Parade/0_Parade_2\n0\n");
}

TEST_F(Detect, StopsBeforeTwoImagesShareAWiderFile) {
  copy_sample("grey.png", "a/event/x.png");
  copy_sample("grey.png", "b/event/x.png");
  const auto result = detect("a b --format wider --out p");
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_THAT(lines_of(result.errors),
              ElementsAre(AllOf(HasSubstr("a/event/x.png"), HasSubstr("b/event/x.png"))));
  EXPECT_FALSE(fs::exists(folder_ / "p"));
}

TEST_F(Detect, DrawsBesideTheJson) {
  copy_sample("portrait.jpg", "in/a.jpg");
  copy_sample("grey.png", "in/deep/b.png");
  const auto result = detect("in --out out --draw");
  EXPECT_EQ(result.exit_code, 0) << result.errors;
  EXPECT_EQ(lines_of(result.output).size(), 2U);
  const Image drawn = read_image(folder_ / "out/in/a.jpg");
  const Image plain = read_image(folder_ / "in/a.jpg");
  ASSERT_EQ(drawn.width(), plain.width());
  std::int64_t changed = 0;
  for (int y = 0; y < plain.height(); ++y) {
    for (int x = 0; x < 3 * plain.width(); ++x) {
      changed += std::abs(drawn.row(y)[x] - plain.row(y)[x]) > 40;
    }
  }
  EXPECT_GT(changed, 500);
  EXPECT_TRUE(fs::exists(folder_ / "out/in/deep/b.png"));
  EXPECT_EQ(std::distance(fs::recursive_directory_iterator(folder_ / "out"), {}), 4);

  // Images outside of the folder stay inside of --out.
  EXPECT_EQ(detect("in/../in/a.jpg --out second --draw").exit_code, 0);
  EXPECT_TRUE(fs::exists(folder_ / "second/in/in/a.jpg"));
}

TEST_F(Detect, SaysWhenItCannotWrite) {
  copy_sample("grey.png", "a.png");
  write("file", "in the way");
  const auto drawn = detect("a.png --out file --draw");
  EXPECT_EQ(drawn.exit_code, 1);
  EXPECT_EQ(lines_of(drawn.errors).size(), 1U);
  const auto wider = detect("a.png --out file --format wider");
  EXPECT_EQ(wider.exit_code, 1);
  EXPECT_EQ(lines_of(wider.errors).size(), 1U);
  const auto full = detect("a.png > /dev/full");
  EXPECT_EQ(full.exit_code, 1);
  EXPECT_THAT(full.errors, HasSubstr("standard output"));
}

TEST_F(Detect, KeepsQuietOrSaysMore) {
  copy_sample("grey.png", "a.png");
  EXPECT_EQ(detect("a.png --quiet").errors, "");
  EXPECT_THAT(detect("a.png --verbose").errors,
              AllOf(HasSubstr("mnet025"), HasSubstr("1 image, 1 face, ")));
  EXPECT_NE(detect("none.png --quiet").errors, "");
}

TEST_F(Detect, RefusesWrongUsage) {
  copy_sample("grey.png", "a.png");
  for (const char* arguments :
       {"", "a.png --min-score 2", "a.png --min-score high", "a.png --nms -1", "a.png --draw",
        "a.png --format wider", "a.png --format xml", "a.png --out o", "a.png --threads -1",
        "a.png --scales ''", "a.png --scales 1,x", "a.png --tile 100", "a.png --unknown"}) {
    const auto result = detect(arguments);
    EXPECT_EQ(result.exit_code, 2) << arguments;
    EXPECT_EQ(result.output, "") << arguments;
    EXPECT_NE(result.errors, "") << arguments;
  }
  EXPECT_EQ(testing::run("'" RETINAFACE_PROGRAM "' dance").exit_code, 2);
}

TEST_F(Detect, NamesAModelThatIsNone) {
  copy_sample("grey.png", "a.png");
  write("m.safetensors", "nothing");
  for (const char* model : {"nonet", "m.safetensors", "none/m.safetensors"}) {
    const auto result = detect("a.png --model " + std::string(model));
    EXPECT_EQ(result.exit_code, 1) << model;
    EXPECT_EQ(result.output, "");
    EXPECT_THAT(lines_of(result.errors), ElementsAre(HasSubstr(model)));
  }
}

TEST(Program, ExplainsItself) {
  const auto help = testing::run("'" RETINAFACE_PROGRAM "' --help");
  EXPECT_EQ(help.exit_code, 0);
  EXPECT_THAT(help.output, AllOf(HasSubstr("detect"), HasSubstr("summary")));
  const auto version = testing::run("'" RETINAFACE_PROGRAM "' --version");
  EXPECT_EQ(version.exit_code, 0);
  EXPECT_THAT(version.output, StartsWith("retinaface "));
  const auto detect = testing::run("'" RETINAFACE_PROGRAM "' detect --help");
  EXPECT_EQ(detect.exit_code, 0);
  EXPECT_THAT(detect.output,
              AllOf(HasSubstr("--min-score"), HasSubstr("Examples:"),
                    HasSubstr("leave out faces of which nothing lies in the image")));
}

TEST(Summary, ListsLayersAndTotals) {
  const auto result = testing::run("'" RETINAFACE_PROGRAM "' summary mnet025 --size 640x480");
  EXPECT_EQ(result.exit_code, 0) << result.errors;
  const auto lines = lines_of(result.output);
  ASSERT_GT(lines.size(), 100U);
  EXPECT_THAT(lines.back(), AllOf(HasSubstr("mnet025 at 640x480"), HasSubstr("735.9 M"),
                                  HasSubstr("426608 parameters")));
  EXPECT_THAT(result.output, HasSubstr("1x20x60x80"));  // landmarks of the first level
  EXPECT_THAT(testing::run("'" RETINAFACE_PROGRAM "' summary").output, HasSubstr("735.9 M"));
  EXPECT_EQ(testing::run("'" RETINAFACE_PROGRAM "' summary --size 640").exit_code, 2);
  EXPECT_EQ(testing::run("'" RETINAFACE_PROGRAM "' summary --size 0x5").exit_code, 2);
  const auto unknown = testing::run("'" RETINAFACE_PROGRAM "' summary nonet");
  EXPECT_EQ(unknown.exit_code, 1);
  EXPECT_THAT(unknown.errors, HasSubstr("nonet"));
}

}  // namespace
}  // namespace retinaface
