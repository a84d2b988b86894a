#include "dataset/yolo.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "retinaface/image.h"

#include "base/file.h"
#include "dataset/read_set.h"
#include "dataset/testing.h"
#include "dataset/write_set.h"
#include "dataset/yolo_names.h"
#include "support/testing.h"

namespace retinaface::dataset {
namespace {

namespace fs = std::filesystem;
using ::testing::AllOf;
using ::testing::ElementsAre;
using testing::error_of;
using ::testing::HasSubstr;
using testing::TemporaryFolder;

YoloImage parse(const std::string& text) {
  const auto bytes = std::as_bytes(std::span(text));
  return parse_yolo(TextFile({bytes.begin(), bytes.end()}, "a.txt"), 200, 100);
}

void put_image(const fs::path& path, int width, int height) {
  fs::create_directories(path.parent_path());
  write_image(path, Image(width, height));
}

TEST(Yolo, BoxesAreSharesOfTheImage) {
  const YoloImage image = parse("0 0.5 0.5 0.1 0.4\n1 0.25 0.2 0.05 0.1\n");
  EXPECT_THAT(image.categories, ElementsAre("0", "1"));
  ASSERT_EQ(image.faces.size(), 2U);
  EXPECT_EQ(image.faces[0], AnnotatedFace{.box = Box(90, 30, 110, 70)});
  EXPECT_NEAR(image.faces[1].box.x0, 45, 1e-4);
  EXPECT_NEAR(image.faces[1].box.y1, 25, 1e-4);
  EXPECT_TRUE(parse("").faces.empty());
}

TEST(Yolo, PointsHaveTwoNumbersOrThree) {
  const AnnotatedFace two = parse("0 .5 .5 .1 .4 .25 .25 .5 .25 -1 -1 .25 .5 .5 .5\n").faces.at(0);
  EXPECT_EQ(two.points[0], (AnnotatedPoint{{50, 25}, PointState::kVisible}));
  EXPECT_EQ(two.points[2], AnnotatedPoint());
  EXPECT_EQ(two.points[4], (AnnotatedPoint{{100, 50}, PointState::kVisible}));
  const AnnotatedFace three =
      parse("0 .5 .5 .1 .4 .25 .25 2 .5 .25 1 0 0 0 .25 .5 2 .5 .5 2\n").faces.at(0);
  EXPECT_EQ(three.points[1], (AnnotatedPoint{{100, 25}, PointState::kHidden}));
  EXPECT_EQ(three.points[2], AnnotatedPoint());
  EXPECT_EQ(three.points[3], (AnnotatedPoint{{50, 50}, PointState::kVisible}));
}

TEST(Yolo, SaysWhereALineIsWrong) {
  const auto message = [](const std::string& text) {
    const Error error = error_of([&] { parse(text); });
    EXPECT_EQ(error.code(), ErrorCode::kBadData);
    return std::string(error.what());
  };
  EXPECT_THAT(message("0 .5 .5 .1 .4\n0 .5 .5 .1\n"),
              HasSubstr("a.txt:2: expected a class, a box"));
  EXPECT_THAT(message("0 320 240 40 50\n"), HasSubstr("expected a box as shares"));
  EXPECT_THAT(message("0.5 .5 .5 .1 .1\n"), HasSubstr("expected the number of a class"));
  EXPECT_THAT(message("0 .5 .5 .1 .4 .2 .2 3 .5 .2 1 0 0 0 .2 .5 2 .5 .5 2\n"),
              HasSubstr("visibility to be 0, 1 or 2, found 3"));
}

TEST(Yolo, ASetComesBackAsItWasWritten) {
  const TemporaryFolder folder;
  AnnotationSet set = {{"train/a.jpg", {{.box = {10, 20, 50, 70}}, full_face()}, 128, 80},
                       {"train/b.png", {}, 64, 64},
                       {"c.webp", {{.box = {1, 2, 4, 6}}}, 32, 16}};
  set[0].faces[1].attributes = {};
  set[0].faces[1].quality = {};
  set[0].faces[1].points_score = 1;
  for (const AnnotatedImage& image : set) {
    put_image(folder / "images" / image.path, image.width, image.height);
  }
  EXPECT_EQ(write_set(folder.path(), SetFormat::kYolo, set), folder.path());
  EXPECT_TRUE(fs::exists(folder / "data.yaml"));
  const FoundSet found = read_set(folder.path());
  EXPECT_EQ(found.format, SetFormat::kYolo);
  EXPECT_EQ(found.set.images, folder / "images");
  ASSERT_EQ(found.set.annotations.size(), 3U);
  for (const AnnotatedImage& image : found.set.annotations) {
    const auto same = std::ranges::find(set, image.path, &AnnotatedImage::path);
    ASSERT_NE(same, set.end()) << image.path;
    ASSERT_EQ(image.faces.size(), same->faces.size()) << image.path;
    for (std::size_t i = 0; i < image.faces.size(); ++i) {
      EXPECT_NEAR(image.faces[i].box.x0, same->faces[i].box.x0, 1e-3);
      EXPECT_NEAR(image.faces[i].box.y1, same->faces[i].box.y1, 1e-3);
      for (std::size_t k = 0; k < 5; ++k) {
        const AnnotatedPoint& point = image.faces[i].points[k];
        EXPECT_EQ(point.state, same->faces[i].points[k].state);
        EXPECT_NEAR(point.position.x, same->faces[i].points[k].position.x, 1e-3);
      }
    }
  }
  // A part of it, named by its labels.
  const FoundSet part = read_set(folder / "labels" / "train");
  EXPECT_EQ(part.set.annotations.size(), 2U);
  EXPECT_EQ(part.set.annotations[0].path, "a.jpg");
}

TEST(Yolo, ClassesAreChosenAsCategories) {
  const TemporaryFolder folder;
  put_image(folder / "images" / "a.png", 100, 100);
  fs::create_directories(folder / "labels");
  write_file_atomically(folder / "labels" / "a.txt",
                        std::string("0 .5 .5 .1 .1\n1 .2 .2 .1 .1\n1 .7 .7 .1 .1\n"));
  EXPECT_THAT(error_of([&] { read_set(folder.path()); }).what(), HasSubstr("labels"));
  EXPECT_EQ(read_set(folder.path(), {"1"}).set.annotations[0].faces.size(), 2U);
  write_file_atomically(folder / "classes.txt", std::string("face\nperson\n"));
  EXPECT_EQ(read_set(folder.path()).set.annotations[0].faces.size(), 1U);
  for (const char* const names : {"classes.txt", "data.yaml"}) {
    fs::remove(folder / "classes.txt");
    const bool is_yaml = std::string_view(names) == "data.yaml";
    write_file_atomically(folder / names, std::string(is_yaml ? "names: [face]\n" : "face\n"));
    const Error error = error_of([&] { read_set(folder.path()); });
    EXPECT_EQ(error.code(), ErrorCode::kBadData);
    EXPECT_THAT(error.what(),
                AllOf(HasSubstr(names), HasSubstr("names (face (0)), found others in 2 of 3 boxes: "
                                                  "1; name these there, or choose")));
    EXPECT_EQ(read_set(folder.path(), {"face"}).set.annotations[0].faces.size(), 1U);
  }
}

TEST(Yolo, AnImageThatCannotBeReadIsLeftOutAndTold) {
  const TemporaryFolder folder;
  put_image(folder / "images" / "a.png", 100, 100);
  write_file_atomically(folder / "images" / "b.jpg", std::string("no image"));
  fs::create_directories(folder / "labels");
  for (const char* name : {"a.txt", "b.txt", "c.txt"}) {
    write_file_atomically(folder / "labels" / name, std::string("0 .5 .5 .1 .1\n"));
  }
  const TrainingSet set = read_training_set(folder.path());
  ASSERT_EQ(set.annotations.size(), 1U);
  EXPECT_EQ(set.annotations[0].path, "a.png");
  ASSERT_EQ(set.left_out.size(), 2U);
  EXPECT_FALSE(set.left_out[0].is_missing);
  EXPECT_THAT(set.left_out[0].problem, HasSubstr("b.jpg"));
  EXPECT_TRUE(set.left_out[1].is_missing);
  EXPECT_THAT(set.left_out[1].problem, HasSubstr("c.txt: expected an image of that name"));
  fs::remove(folder / "images" / "a.png");
  EXPECT_THAT(error_of([&] { read_set(folder.path()); }).what(),
              HasSubstr("expected images that can be read, found none of 3"));
}

TEST(Yolo, ItsImagesMayBeAnywhere) {
  const TemporaryFolder folder;
  put_image(folder / "elsewhere" / "a.png", 100, 100);
  fs::create_directories(folder / "set" / "labels");
  write_file_atomically(folder / "set" / "labels" / "a.txt", std::string("0 .5 .5 .1 .1\n"));
  EXPECT_THAT(error_of([&] { read_set(folder / "set"); }).what(), HasSubstr("--images"));
  for (const fs::path& place : {folder / "set", folder / "set" / "labels"}) {
    const FoundSet found = read_set(place, {}, folder / "elsewhere");
    EXPECT_EQ(found.format, SetFormat::kYolo);
    EXPECT_EQ(found.set.images, folder / "elsewhere");
    ASSERT_EQ(found.set.annotations.size(), 1U);
    EXPECT_EQ(found.set.annotations[0].faces.size(), 1U);
  }
}

TEST(YoloNames, AreReadInEveryForm) {
  const auto names = [](const std::string& text) { return parse_yolo_names(text, "data.yaml"); };
  const std::map<std::string, std::string> expected = {{"0", "face"}, {"1", "a person"}};
  for (const char* text :
       {"names: [face, a person]", "nc: 2\nnames: ['face', \"a person\"]  # two\r\nval: x\n",
        "names: [\n  face,\n  a person,\n]\n", "names: {0: face, 1: a person}\n",
        "names: {\n  1: 'a person', # second\n  0: face}\n",
        "path: .\nnames:\n  0: face\n  1: a person\nkpt_shape: [5, 3]\n",
        "names:  # all\n\n  # first\n  '0': face # yes\n  1: \"a person\"",
        "names:\n- face\n- a person\nnc: 2\n",
        "\xEF\xBB\xBFnames:\r\n  - face\r\n  - a person\r\n"}) {
    EXPECT_EQ(names(text), expected) << text;
  }
  EXPECT_EQ(names("names: ['it''s']").at("0"), "it's");
  EXPECT_EQ(names("names: [\"a \\\"b\\\"\"]").at("0"), "a \"b\"");
  for (const char* text :
       {"", "nc: 1\n", "nnames: [face]\n", "a:\n  names: [face]\n", "names: []"}) {
    EXPECT_TRUE(names(text).empty()) << text;
  }
  for (const char* text : {"names: face", "names: [face", "names: {face}", "names: {0: face",
                           "names: ['face]", "names: {0 face}", "names:\n  x: face\n",
                           "names:\n  0:\n", "names: [a b\nc]", "names: {-1: face}"}) {
    const Error error = error_of([&] { names(text); });
    EXPECT_EQ(error.code(), ErrorCode::kBadData) << text;
    EXPECT_THAT(error.what(), HasSubstr("data.yaml:")) << text;
  }
}

TEST(YoloNames, TellWhichClassIsTheFace) {
  const TemporaryFolder folder;
  const auto faces_of = [&](const fs::path& place) {
    return read_set(place).set.annotations.at(0).faces.size();
  };
  for (const char* part : {"", "train"}) {
    put_image(folder / "images" / part / "a.png", 100, 100);
    fs::create_directories(folder / "labels" / part);
    write_file_atomically(folder / "labels" / part / "a.txt",
                          std::string("0 .5 .5 .1 .1\n1 .2 .2 .1 .1\n1 .7 .7 .1 .1\n"));
  }
  EXPECT_THAT(error_of([&] { read_set(folder.path()); }).what(), HasSubstr("found 2: 0, 1"));
  write_file_atomically(folder / "data.yaml", std::string("names: [person, Face]\n"));
  EXPECT_EQ(faces_of(folder.path()), 2U);
  EXPECT_EQ(faces_of(folder / "labels" / "train"), 2U);

  // As Roboflow exports a set: train/images, train/labels.
  const TemporaryFolder split;
  put_image(split / "train" / "images" / "a.png", 100, 100);
  fs::create_directories(split / "train" / "labels");
  write_file_atomically(split / "train" / "labels" / "a.txt",
                        std::string("0 .5 .5 .1 .1\n1 .2 .2 .1 .1\n"));
  write_file_atomically(split / "data.yaml", std::string("names:\n- face\n- hand\nnc: 2\n"));
  EXPECT_EQ(faces_of(split / "train"), 1U);
}

TEST(Yolo, SaysWhatItHasNoPlaceFor) {
  EXPECT_THAT(lost_in(SetFormat::kYolo, full_set()),
              ElementsAre("the ignored boxes of 1 face", "the attributes of 1 face"));
  EXPECT_EQ(format_yolo(full_set()[1], false), "0 0.039062 0.0625 0.046875 0.0625\n");
}

}  // namespace
}  // namespace retinaface::dataset
