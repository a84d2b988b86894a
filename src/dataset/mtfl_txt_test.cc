#include "dataset/mtfl_txt.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/file.h"
#include "support/testing.h"

namespace retinaface::dataset {
namespace {

using testing::error_of;

TEST(MtflTxt, HasPointsAndPoseOfEachFace) {
  const testing::TemporaryFolder folder;
  write_file_atomically(folder / "label.txt", std::string("a.jpg 1 2 3 4 5 6 7 8 9.5 10 3\r\n\n"
                                                          "b/c.jpg 1 2 3 4 5 6 7 8 9 10 5\n"));
  const auto faces = read_mtfl_txt(folder / "label.txt");
  ASSERT_EQ(faces.size(), 2U);
  EXPECT_EQ(faces[0].path, "a.jpg");
  EXPECT_EQ(faces[0].landmarks[4], (Point{9.5F, 10}));
  EXPECT_EQ(faces[0].pose, PoseClass::kFrontal);
  EXPECT_EQ(faces[1].path, "b/c.jpg");
  EXPECT_EQ(faces[1].pose, PoseClass::kRightProfile);
}

TEST(MtflTxt, NamesTheMalformedLine) {
  const testing::TemporaryFolder folder;
  for (const char* line : {"a.jpg 1 2 3 4 5 6 7 8 9 10", "a.jpg 1 2 3 4 5 6 7 8 9 10 6",
                           "a.jpg 1 2 x 4 5 6 7 8 9 10 3", "a.jpg"}) {
    write_file_atomically(folder / "label.txt",
                          "a.jpg 1 2 3 4 5 6 7 8 9 10 3\n" + std::string(line));
    const Error error = error_of([&] { read_mtfl_txt(folder / "label.txt"); });
    EXPECT_EQ(error.code(), ErrorCode::kBadData);
    EXPECT_THAT(error.what(), ::testing::HasSubstr("label.txt:2: "));
  }
}

}  // namespace
}  // namespace retinaface::dataset
