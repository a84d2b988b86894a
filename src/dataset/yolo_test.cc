#include "dataset/yolo.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "retinaface/image.h"

#include "base/file.h"
#include "dataset/read_set.h"
#include "dataset/testing.h"
#include "dataset/write_set.h"
#include "support/testing.h"

namespace retinaface::dataset {
namespace {

namespace fs = std::filesystem;
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

  write_file_atomically(folder / "labels" / "b.txt", std::string());
  const Error error = error_of([&] { read_set(folder.path()); });
  EXPECT_EQ(error.code(), ErrorCode::kNotFound);
  EXPECT_THAT(error.what(), HasSubstr("b.txt: expected an image of that name"));
}

TEST(Yolo, SaysWhatItHasNoPlaceFor) {
  EXPECT_THAT(lost_in(SetFormat::kYolo, full_set()),
              ElementsAre("the ignored boxes of 1 faces", "the attributes of 1 faces"));
  EXPECT_EQ(format_yolo(full_set()[1], false), "0 0.039062 0.0625 0.046875 0.0625\n");
}

}  // namespace
}  // namespace retinaface::dataset
