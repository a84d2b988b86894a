#include "dataset/mesh_label.h"

#include <fstream>
#include <string>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support/testing.h"

namespace retinaface::dataset {
namespace {

using testing::error_of;
using ::testing::HasSubstr;

constexpr const char* kFace =
    R"({"image": "a/b.jpg", "box": [1, 2, 11, 22], "landmarks": [[1, 2], [3, 4], [5, 6], [7, 8], [9, 10]])";

std::vector<MeshLabel> read(const std::string& text) {
  const testing::TemporaryFolder folder;
  std::ofstream(folder / "labels.jsonl") << text;
  return read_mesh_labels(folder / "labels.jsonl");
}

TEST(MeshLabels, AreReadLineByLine) {
  const auto labels =
      read(fmt::format("{}}}\n\n{}{}", kFace, kFace,
                       R"(, "is_test": true, "pose": {"yaw": 10, "pitch": -5, "roll": 2}})"));
  ASSERT_EQ(labels.size(), 2U);
  EXPECT_EQ(labels[0].image, "a/b.jpg");
  EXPECT_EQ(labels[0].box, (Box{1, 2, 11, 22}));
  EXPECT_EQ(labels[0].landmarks[4], (Point{9, 10}));
  EXPECT_FALSE(labels[0].points_68.has_value());
  EXPECT_FALSE(labels[0].is_test);
  EXPECT_TRUE(labels[1].is_test);
  EXPECT_EQ(labels[1].pose->pitch, -5);
}

TEST(MeshLabels, SayWhereTheyAreWrong) {
  const auto message = [](const std::string& text) {
    return std::string(error_of([&] { read(text); }).what());
  };
  const std::string face = kFace;
  EXPECT_THAT(message(face + "}\nnonsense\n"), HasSubstr("labels.jsonl:2: expected a face"));
  EXPECT_THAT(message(face + R"(, "points_68": [[1, 2]]})"), HasSubstr("expected 68 points"));
  EXPECT_THAT(message(face + R"(, "vertices": [[1, 2, 3]]})"), HasSubstr("1024 vertices, found 1"));
  EXPECT_THAT(message(R"({"image": "a", "box": [5, 5, 5, 9], "landmarks": []})"),
              HasSubstr("a box with an area"));
  EXPECT_THAT(message(""), HasSubstr("found none"));
}

}  // namespace
}  // namespace retinaface::dataset
