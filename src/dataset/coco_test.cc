#include "dataset/coco.h"

#include <nlohmann/json.hpp>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "dataset/testing.h"
#include "support/testing.h"

namespace retinaface::dataset {
namespace {

using testing::error_of;
using ::testing::HasSubstr;

AnnotationSet parse(const std::string& text, const ChosenCategories& chosen = {}) {
  return parse_coco(std::as_bytes(std::span(text)), "set.json", chosen);
}

TEST(Coco, ReadsFacesOfAHandWrittenFile) {
  const AnnotationSet set = parse(R"({
    "info": {"year": 2017},
    "images": [{"id": 7, "file_name": "b.jpg", "width": 640, "height": 480},
               {"id": 3, "file_name": "sub/a.jpg"}],
    "annotations": [
      {"id": 1, "image_id": 3, "category_id": 9, "bbox": [1.5, 2, 30, 40.25], "iscrowd": 0,
       "keypoints": [5, 6, 2, 7, 8, 1, 0, 0, 0, 11, 12, 2, 13.5, 14, 2], "num_keypoints": 4},
      {"id": 2, "image_id": 7, "category_id": 4, "bbox": [0, 0, 640, 480]},
      {"id": 3, "image_id": 7, "category_id": 9, "bbox": [10, 20, 5, 6], "iscrowd": 1}],
    "categories": [{"id": 4, "name": "person"}, {"id": 9, "name": "Face"}]})");
  ASSERT_EQ(set.size(), 2U);
  EXPECT_EQ(set[0].path, "b.jpg");
  EXPECT_EQ(set[0].width, 640);
  EXPECT_EQ(set[0].height, 480);
  ASSERT_EQ(set[0].faces.size(), 1U) << "the person is no face";
  EXPECT_EQ(set[0].faces[0], (AnnotatedFace{.box = {10, 20, 15, 26}, .ignored = true}));

  EXPECT_EQ(set[1].path, "sub/a.jpg");
  EXPECT_EQ(set[1].width, 0);
  ASSERT_EQ(set[1].faces.size(), 1U);
  const AnnotatedFace& face = set[1].faces[0];
  EXPECT_EQ(face.box, (Box{1.5F, 2, 31.5F, 42.25F}));
  EXPECT_FALSE(face.ignored);
  EXPECT_EQ(face.points[0], (AnnotatedPoint{{5, 6}, PointState::kVisible}));
  EXPECT_EQ(face.points[1], (AnnotatedPoint{{7, 8}, PointState::kHidden}));
  EXPECT_EQ(face.points[2].state, PointState::kMissing);
  EXPECT_EQ(face.points[4], (AnnotatedPoint{{13.5F, 14}, PointState::kVisible}));
}

TEST(Coco, TheOnlyCategoryMayHaveAnyName) {
  const std::string start =
      R"({"images": [{"id": "x", "file_name": "a.jpg"}],
          "annotations": [{"image_id": "x", "category_id": 0, "bbox": [1, 2, 3, 4]}])";
  EXPECT_EQ(parse(start + R"(, "categories": [{"id": 0, "name": "head"}]})")[0].faces.size(), 1U);
  EXPECT_EQ(parse(start + "}")[0].faces.size(), 1U) << "nor need categories be named";
  const std::string several =
      start + R"(, "categories": [{"id": 0, "name": "head"}, {"id": 1, "name": "hand"}]})";
  EXPECT_THAT(
      error_of([&] { parse(several); }).what(),
      HasSubstr("set.json: expected one category, or one named 'face', found 2: hand (1), head "
                "(0); choose with --category"));
}

TEST(Coco, ReadsTheChosenCategories) {
  const std::string several =
      R"({"images": [{"id": 1, "file_name": "a.jpg"}],
          "categories": [{"id": 3, "name": "face"}, {"id": 5, "name": "head"},
                         {"id": 7, "name": "5"}, {"id": 8, "name": "head"}],
          "annotations": [{"image_id": 1, "category_id": 3, "bbox": [3, 0, 9, 9]},
                          {"image_id": 1, "category_id": 5, "bbox": [5, 0, 9, 9]},
                          {"image_id": 1, "category_id": 7, "bbox": [7, 0, 9, 9]},
                          {"image_id": 1, "category_id": 8, "bbox": [8, 0, 9, 9]}]})";
  const auto lefts = [&](const ChosenCategories& chosen) {
    const AnnotationSet set = parse(several, chosen);
    std::vector<float> found;
    for (const AnnotatedFace& face : set[0].faces) found.push_back(face.box.x0);
    return found;
  };
  EXPECT_EQ(lefts({}), std::vector<float>{3});
  EXPECT_EQ(lefts({"head"}), (std::vector<float>{5, 8})) << "two of the name";
  EXPECT_EQ(lefts({"8"}), std::vector<float>{8}) << "by id";
  EXPECT_EQ(lefts({"5"}), std::vector<float>{7}) << "a name goes before an id";
  EXPECT_EQ(lefts({"3", "5"}), (std::vector<float>{3, 7}));
  EXPECT_THAT(error_of([&] {
                parse(several, {"face", "hat"});
              }).what(),
              HasSubstr("set.json: expected the category 'hat', found 5 (7), face (3), head (5)"));
}

TEST(Coco, RefusesCategoriesThatItDoesNotName) {
  const std::string text =
      R"({"images": [{"id": 1, "file_name": "a.jpg"}], "categories": [{"id": 3, "name": "face"}],
          "annotations": [{"image_id": 1, "category_id": 3, "bbox": [3, 0, 9, 9]},
                          {"image_id": 1, "category_id": 4, "bbox": [5, 0, 9, 9]}]})";
  EXPECT_THAT(error_of([&] { parse(text); }).what(),
              HasSubstr("set.json: expected the categories that \"categories\" names (face (3)), "
                        "found others in 1 of 2 boxes: 4; name these there"));
  EXPECT_EQ(parse(text, {"face"})[0].faces.size(), 1U);
}

TEST(Coco, WrittenSetIsReadBack) {
  AnnotationSet set = full_set();
  set[1].faces[0].box_is_estimate = true;
  EXPECT_EQ(parse(format_coco(set, "set.json")), set);
}

TEST(Coco, WritesWhatOtherToolsRead) {
  const auto root = nlohmann::json::parse(format_coco(full_set(), "set.json"));
  EXPECT_EQ(root["images"].size(), 3U);
  EXPECT_EQ(root["images"][0]["file_name"], "0--Parade/an image.jpg");
  EXPECT_EQ(root["images"][0]["width"], 100);
  EXPECT_EQ(root["categories"][0]["name"], "face");
  ASSERT_EQ(root["annotations"].size(), 3U);
  const auto& first = root["annotations"][0];
  EXPECT_EQ(first["image_id"], root["images"][0]["id"]);
  EXPECT_EQ(first["category_id"], root["categories"][0]["id"]);
  EXPECT_EQ(first["bbox"], (nlohmann::json{10.5, 20, 40, 50.25}));
  EXPECT_EQ(first["area"], 2010);
  EXPECT_EQ(first["iscrowd"], 0);
  EXPECT_EQ(first["num_keypoints"], 4);
  EXPECT_EQ(first["keypoints"],
            (nlohmann::json{20.25, 35, 2, 40.5, 35, 1, 30, 45, 2, 0, 0, 0, 38, 60.75, 2}));
  EXPECT_EQ(root["annotations"][1]["iscrowd"], 1);
}

TEST(Coco, ErrorsNameFileAndPlace) {
  const auto complaint = [](const std::string& text) {
    const Error error = error_of([&] { parse(text); });
    EXPECT_EQ(error.code(), ErrorCode::kBadData) << text;
    return std::string(error.what());
  };
  EXPECT_THAT(complaint("{\n\"images\": [,]}"), HasSubstr("set.json:2: expected JSON"));
  EXPECT_THAT(complaint("[]"), HasSubstr("set.json: expected a JSON object"));
  EXPECT_THAT(complaint("{}"), HasSubstr("expected COCO's list \"images\""));
  EXPECT_THAT(complaint(R"({"images": [3], "annotations": []})"),
              HasSubstr("images[0]: expected an object"));
  EXPECT_THAT(complaint(R"({"images": [{"id": 1}], "annotations": []})"),
              HasSubstr("images[0]: expected \"file_name\""));
  EXPECT_THAT(complaint(R"({"images": [{"id": 1, "file_name": "a"}, {"id": 1, "file_name": "b"}],
                            "annotations": []})"),
              HasSubstr("images[1]: a second image of id 1"));
  const auto with = [&](const std::string& annotation) {
    return complaint(R"({"images": [{"id": 1, "file_name": "a"}], "annotations": [)" + annotation +
                     "]}");
  };
  EXPECT_THAT(with(R"({"image_id": 2, "bbox": [1, 2, 3, 4]})"),
              HasSubstr("annotations[0]: no image has the id 2"));
  EXPECT_THAT(with(R"({"image_id": 1, "bbox": [1, 2, 3]})"),
              HasSubstr("annotations[0]: expected \"bbox\" to be 4 numbers, found 3"));
  EXPECT_THAT(with(R"({"image_id": 1, "bbox": [1, 2, 3, "4"]})"),
              HasSubstr("annotations[0]: expected numbers for \"bbox\""));
  EXPECT_THAT(with(R"({"image_id": 1, "bbox": [1, 2, 3, 1e300]})"),
              HasSubstr("annotations[0]: expected finite numbers"));
  EXPECT_THAT(with(R"({"image_id": 1, "bbox": [1, 2, 3, 1e30]})"), HasSubstr("lies in no image"));
  EXPECT_THAT(with(R"({"image_id": 1, "bbox": [1, 2, 3, 4], "keypoints": [1, 2, 2]})"),
              HasSubstr("expected \"keypoints\" to be 15 numbers, found 3"));
  EXPECT_THAT(with(R"({"image_id": 1, "bbox": [1, 2, 3, 4],
                       "keypoints": [1, 2, 3, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]})"),
              HasSubstr("visibility of 0, 1 or 2, found 3"));
  EXPECT_THAT(with(R"({"image_id": 1, "bbox": [1, 2, 3, 4], "retinaface": {"quality": 6}})"),
              HasSubstr("annotations[0].retinaface: expected \"quality\" to be a whole number"));
}

}  // namespace
}  // namespace retinaface::dataset
