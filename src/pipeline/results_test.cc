#include "pipeline/results.h"

#include <nlohmann/json.hpp>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support/content_of.h"
#include "support/testing.h"

namespace retinaface::pipeline {
namespace {

using ::testing::HasSubstr;
using ::testing::SizeIs;

const Face kFace = {0.75F, {1, 2, 11.5F, 22}, {{{3, 4}, {5, 6}, {7, 8}, {9, 10}, {11, 12}}}};

ImageResult image(const std::string& path) {
  return {.path = path, .width = 40, .height = 30, .faces = {kFace}, .ms = 1.5};
}
ImageResult frame(std::int64_t number) {
  ImageResult result = image("v.mp4");
  result.frame = video::FrameStamp{number, 0.04 * static_cast<double>(number)};
  result.tracks = {7};
  return result;
}

std::string written(const std::string& format, const std::vector<ImageResult>& results,
                    const std::filesystem::path& folder = {}) {
  std::string text;
  const auto writer = make_result_writer(
      format, [&](std::string_view piece) { text += piece; }, folder);
  for (const ImageResult& result : results) writer->write(result);
  writer->finish();
  return text;
}

TEST(Results, AreLinesOfJson) {
  EXPECT_EQ(to_json(image("a \"b\".jpg")),
            R"({"image": "a \"b\".jpg", "width": 40, "height": 30, "faces": [{"score": 0.75000, )"
            R"("box": [1.00, 2.00, 11.50, 22.00], "landmarks": [[3.00, 4.00], [5.00, 6.00], )"
            R"([7.00, 8.00], [9.00, 10.00], [11.00, 12.00]]}], "ms": 1.500})");
  const auto json = nlohmann::json::parse(written("jsonl", {frame(5)}));
  EXPECT_EQ(json["frame"], 5);
  EXPECT_EQ(json["time_s"], 0.2);
  EXPECT_EQ(json["faces"][0]["track"], 7);
}

TEST(Results, AreLinesOfSingleFacesWithTheirVectors) {
  ImageResult result = image("a.jpg");
  result.embeddings = {{0.5F, -0.25F}};
  const std::string place =
      R"({"image": "a.jpg", "score": 0.75000, "box": [1.00, 2.00, 11.50, 22.00], "landmarks": )"
      R"([[3.00, 4.00], [5.00, 6.00], [7.00, 8.00], [9.00, 10.00], [11.00, 12.00]], )";
  EXPECT_EQ(face_to_json(result, 0), place + R"("embedding": [0.5, -0.25]})");
  EXPECT_EQ(face_to_json(result, 0, 7), place + R"("row": 7})");
}

TEST(Results, AreOneArrayOfTheSameLines) {
  const auto json = nlohmann::json::parse(written("json", {image("a.jpg"), frame(5)}));
  ASSERT_THAT(json, SizeIs(2));
  EXPECT_EQ(json[0], nlohmann::json::parse(to_json(image("a.jpg"))));
  EXPECT_EQ(json[1]["frame"], 5);
  EXPECT_THAT(nlohmann::json::parse(written("json", {})), SizeIs(0));
}

TEST(Results, GoByTheExtension) {
  EXPECT_EQ(result_format_of("a/b.JSON"), "json");
  EXPECT_EQ(result_format_of("b.csv"), "csv");
  EXPECT_EQ(result_format_of("b.jsonl"), "jsonl");
  EXPECT_EQ(result_format_of("b.txt"), "");
}

TEST(Results, AreRowsOfCsvWithQuotedNames) {
  const auto lines = testing::lines_of(written("csv", {image("a,\"b\".jpg"), frame(2)}));
  ASSERT_THAT(lines, SizeIs(3));
  EXPECT_THAT(lines[1], HasSubstr("\"a,\"\"b\"\".jpg\",40,30,0.75000,1.00,2.00,11.50,22.00,3.00"));
  EXPECT_TRUE(lines[1].ends_with(",12.00,,,"));
  EXPECT_TRUE(lines[2].ends_with(",12.00,2,0.080,7"));
}

TEST(Results, AreOneDocumentOfCoco) {
  const auto json = nlohmann::json::parse(written("coco", {image("a.jpg"), image("b.jpg")}));
  ASSERT_THAT(json["images"], SizeIs(2));
  ASSERT_THAT(json["annotations"], SizeIs(2));
  EXPECT_EQ(json["images"][1]["file_name"], "b.jpg");
  EXPECT_EQ(json["annotations"][1]["image_id"], 1);
  EXPECT_EQ(json["annotations"][1]["bbox"], (std::vector<double>{1, 2, 10.5, 20}));
  EXPECT_THAT(nlohmann::json::parse(written("coco", {}))["images"], SizeIs(0));
}

TEST(Results, AreFilesOfWider) {
  const testing::TemporaryFolder folder;
  EXPECT_EQ(written("wider", {image("/set/event/a.jpg"), frame(3)}, folder.path()), "");
  EXPECT_EQ(testing::content_of(folder / "event/a.txt").substr(0, 10), "event/a\n1\n");
  EXPECT_TRUE(std::filesystem::exists(folder / "v.mp4/000003_0.120s.txt"));
}

TEST(Results, OfWiderAreKnownToTheGuard) {
  const testing::TemporaryFolder folder;
  OutputGuard guard(false);
  announce_wider(folder.path(), "/a/event/x.jpg", false, guard);
  EXPECT_THAT(testing::error_of([&] {
                announce_wider(folder.path(), "/b/event/x.png", false, guard);
              }).what(),
              HasSubstr("/b/event/x.png"));
}

}  // namespace
}  // namespace retinaface::pipeline
