#include "dataset/label_txt.h"

#include <gtest/gtest.h>

#include "base/file.h"
#include "dataset/testing.h"
#include "dataset/write_set.h"
#include "support/testing.h"

namespace retinaface::dataset {
namespace {

using testing::error_of;
using ::testing::HasSubstr;
using testing::TemporaryFolder;

TEST(LabelTxt, ReadsTheThreeForms) {
  const TemporaryFolder folder;
  const auto path = folder / "label.txt";
  write_file_atomically(path, std::string("# a/one image.jpg\r\n"
                                          "10 20 30 40\r\n"
                                          "\n"
                                          "# b/two.jpg\n"
                                          "1 2 3 4 5 6 0 7 8 1 9 10 0 11 12 0 13 14 1 0.82\n"
                                          "1 2 3 4 -1 -1 -1 -1 -1 -1 -1 -1 -1 -1 -1 -1 -1 -1 -1 "
                                          "0.5 2 1 0 1 2 1\n"
                                          "# c/none.jpg\n"));
  const AnnotationSet set = read_label_txt(path);
  ASSERT_EQ(set.size(), 3U);
  EXPECT_EQ(set[0].path, "a/one image.jpg");
  ASSERT_EQ(set[0].faces.size(), 1U);
  EXPECT_EQ(set[0].faces[0].box, (Box{10, 20, 40, 60}));
  EXPECT_FALSE(has_landmarks(set[0].faces[0]));

  ASSERT_EQ(set[1].faces.size(), 2U);
  const AnnotatedFace& with_points = set[1].faces[0];
  EXPECT_TRUE(has_landmarks(with_points));
  EXPECT_EQ(landmarks_of(with_points), (Landmarks{{{5, 6}, {7, 8}, {9, 10}, {11, 12}, {13, 14}}}));
  EXPECT_EQ(with_points.points[1].state, PointState::kHidden);
  EXPECT_EQ(with_points.points[2].state, PointState::kVisible);
  EXPECT_FLOAT_EQ(with_points.attributes.blur, 0.82F);
  EXPECT_FALSE(with_points.ignored);

  const AnnotatedFace& ours = set[1].faces[1];
  EXPECT_FALSE(has_landmarks(ours));
  EXPECT_FLOAT_EQ(ours.points_score, 0.5F);
  EXPECT_EQ(
      ours.attributes,
      (FaceAttributes{.blur = 2, .expression = 1, .illumination = 0, .occlusion = 2, .pose = 1}));
  EXPECT_TRUE(ours.ignored);
  EXPECT_TRUE(set[2].faces.empty());
}

TEST(LabelTxt, WrittenSetIsReadBack) {
  AnnotatedFace face{.box = {1.25F, 2, 30, 41.5F}, .points_score = 0.75F, .ignored = true};
  for (std::size_t i = 0; i < 5; ++i) {
    face.points[i] = {{static_cast<float>(i) + 0.5F, 3},
                      i == 1 ? PointState::kHidden : PointState::kVisible};
  }
  const AnnotationSet set = {{"x/a.jpg", {face, AnnotatedFace{.box = {0, 0, 5, 5}}}},
                             {"b.png", {}}};
  const TemporaryFolder folder;
  write_set(folder / "label.txt", SetFormat::kLabelTxt, set);
  EXPECT_EQ(read_label_txt(folder / "label.txt"), set);
}

TEST(LabelTxt, WrittenSetWithQualityIsReadBack) {
  const TemporaryFolder folder;
  write_set(folder / "label.txt", SetFormat::kLabelTxt, full_set());
  EXPECT_EQ(read_label_txt(folder / "label.txt"), without_sizes(full_set()));
}

TEST(LabelTxt, ReadsTheQuality) {
  const TemporaryFolder folder;
  const std::string missing =
      "1 2 3 4" + std::string(" -1 -1 -1 -1 -1 -1 -1 -1") + " -1 -1 -1 -1 -1 -1 -1 1 0 0 0 0 0 0";
  write_file_atomically(folder / "label.txt", "# a\n" + missing + " 4\n" + missing + " 0\n");
  const AnnotationSet set = read_label_txt(folder / "label.txt");
  EXPECT_EQ(set[0].faces[0].quality, 4);
  EXPECT_EQ(set[0].faces[1].quality, std::nullopt);
  write_file_atomically(folder / "label.txt", "# a\n" + missing + " 6\n");
  EXPECT_THAT(error_of([&] { read_label_txt(folder / "label.txt"); }).what(),
              HasSubstr("label.txt:2: expected a quality from 1 to 5 or 0, found 6"));
}

TEST(LabelTxt, ErrorsNameFileAndLine) {
  const TemporaryFolder folder;
  const auto complaint = [&](const std::string& content) {
    write_file_atomically(folder / "label.txt", content);
    const Error error = error_of([&] { read_label_txt(folder / "label.txt"); });
    EXPECT_EQ(error.code(), ErrorCode::kBadData);
    return std::string(error.what());
  };
  EXPECT_THAT(complaint("1 2 3 4\n"), HasSubstr("label.txt:1: expected '# PATH'"));
  EXPECT_THAT(complaint("# a.jpg\n1 2 3 4\n1 2 3\n"),
              HasSubstr("label.txt:3: expected 4, 20, 26 or"));
  EXPECT_THAT(complaint("# a.jpg\n1 2 x4 4\n"),
              HasSubstr("label.txt:2: expected a face's numbers"));
  EXPECT_THAT(complaint("# a.jpg\n1 2 3 1e30\n"), HasSubstr("label.txt:2: a box at 1, 2 of 3 x"));
  EXPECT_THAT(complaint("# a.jpg\n1 2 nan 4\n"), HasSubstr("found 'nan'"));
  EXPECT_THAT(complaint("#\n"), HasSubstr("label.txt:1: expected an image's path"));
  EXPECT_THAT(complaint("# a\n1 2 3 4 5 6 7 7 8 1 9 10 0 11 12 0 13 14 1 0.82\n"),
              HasSubstr("flag of 0, 1 or -1, found 7"));
  EXPECT_THAT(complaint("# a\n1 2 3 4 5 6 0 7 8 1 9 10 0 11 12 0 13 14 1 1 0 1e30 0 0 0 0\n"),
              HasSubstr("expected an attribute"));
  EXPECT_EQ(error_of([&] { read_label_txt(folder / "none.txt"); }).code(), ErrorCode::kNotFound);
}

TEST(LabelTxt, ReadsTheTrainingSet) {
  RF_NEED_DATA("wider/train/label.txt");
  const AnnotationSet set = read_label_txt(testing::data_folder() / "wider/train/label.txt");
  std::size_t faces = 0;
  std::size_t with_points = 0;
  for (const AnnotatedImage& image : set) {
    faces += image.faces.size();
    for (const AnnotatedFace& face : image.faces) with_points += has_landmarks(face) ? 1U : 0U;
  }
  EXPECT_EQ(set.size(), 3058U);
  EXPECT_EQ(faces, 62897U);
  EXPECT_EQ(with_points, 44589U);
}

}  // namespace
}  // namespace retinaface::dataset
