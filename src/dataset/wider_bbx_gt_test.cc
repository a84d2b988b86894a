#include "dataset/wider_bbx_gt.h"

#include <gmock/gmock.h>
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

TEST(WiderBbxGt, ReadsWhatWiderHas) {
  const TemporaryFolder folder;
  write_file_atomically(folder / "gt.txt", std::string("0--Parade/0_Parade_marchingband_1_849.jpg\n"
                                                       "1\n"
                                                       "449 330 122 149 0 0 0 0 0 0 \n"
                                                       "0--Parade/none.jpg\n"
                                                       "0\n"
                                                       "0 0 0 0 0 0 0 0 0 0 \n"
                                                       "1--Handshaking/no line of zeros.jpg\n"
                                                       "0\n"
                                                       "9--Press/two.jpg\r\n"
                                                       "2\r\n"
                                                       "1 2 3 0 2 1 1 1 2 1\r\n"
                                                       "4 5 6 7 1 0 0 0 1 0"));
  const AnnotationSet set = parse_wider_bbx_gt(TextFile(folder / "gt.txt"));
  ASSERT_EQ(set.size(), 4U);
  EXPECT_EQ(set[0].path, "0--Parade/0_Parade_marchingband_1_849.jpg");
  ASSERT_EQ(set[0].faces.size(), 1U);
  EXPECT_EQ(set[0].faces[0], (AnnotatedFace{.box = {449, 330, 571, 479}}));
  EXPECT_TRUE(set[1].faces.empty());
  EXPECT_TRUE(set[2].faces.empty());
  EXPECT_EQ(set[3].path, "9--Press/two.jpg");
  ASSERT_EQ(set[3].faces.size(), 2U);
  const AnnotatedFace& invalid = set[3].faces[0];
  EXPECT_EQ(invalid.box, (Box{1, 2, 4, 2}));
  EXPECT_TRUE(invalid.ignored);
  EXPECT_EQ(
      invalid.attributes,
      (FaceAttributes{.blur = 2, .expression = 1, .illumination = 1, .occlusion = 2, .pose = 1}));
  EXPECT_FALSE(set[3].faces[1].ignored);
}

TEST(WiderBbxGt, WrittenSetIsReadBackButForWhatHasNoPlace) {
  AnnotationSet expected = full_set();
  for (AnnotatedImage& image : expected) {
    image.width = image.height = 0;
    for (AnnotatedFace& face : image.faces) {
      face.points = {};
      face.points_score = 1;
      face.quality.reset();
    }
  }
  const TemporaryFolder folder;
  write_set(folder / "gt.txt", SetFormat::kWider, full_set());
  EXPECT_EQ(parse_wider_bbx_gt(TextFile(folder / "gt.txt")), expected);
}

TEST(WiderBbxGt, ErrorsNameFileAndLine) {
  const TemporaryFolder folder;
  const auto complaint = [&](const std::string& content) {
    write_file_atomically(folder / "gt.txt", content);
    const Error error = error_of([&] { parse_wider_bbx_gt(TextFile(folder / "gt.txt")); });
    EXPECT_EQ(error.code(), ErrorCode::kBadData);
    return std::string(error.what());
  };
  const std::string face = "1 2 3 4 0 0 0 0 0 0\n";
  EXPECT_THAT(complaint("a.jpg\n"), HasSubstr("gt.txt:1: expected the number of faces below"));
  EXPECT_THAT(complaint("a.jpg\nb.jpg\n"), HasSubstr("gt.txt:2: expected the number of faces"));
  EXPECT_THAT(complaint("a.jpg\n-1\n"), HasSubstr("gt.txt:2: expected the number of faces"));
  EXPECT_THAT(complaint("a.jpg\n18446744073709551615\n" + face),
              HasSubstr("gt.txt:2: expected 18446744073709551615 faces below"));
  EXPECT_THAT(complaint("a.jpg\n2\n" + face), HasSubstr("file's end after 1 lines"));
  EXPECT_THAT(complaint("a.jpg\n1\n" + face + face + "b.jpg\n0\n"),
              HasSubstr("gt.txt:4: expected an image's path, found '1 2"));
  EXPECT_THAT(complaint("a.jpg\n2\n" + face + "b.jpg\n"), HasSubstr("gt.txt:4: expected a face's"));
  EXPECT_THAT(complaint("a.jpg\n1\n1 2 3 4\n"),
              HasSubstr("gt.txt:3: expected 10 columns, found 4"));
  EXPECT_THAT(complaint("a.jpg\n1\n1 2 3 4 0 0 0 0.5 0 0\n"),
              HasSubstr("gt.txt:3: expected an attribute from 0 to 9, found 0.5"));
}

}  // namespace
}  // namespace retinaface::dataset
