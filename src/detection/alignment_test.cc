#include "retinaface/alignment.h"

#include <cmath>

#include <gtest/gtest.h>

#include "support/testing.h"

namespace retinaface {
namespace {

TEST(AlignFace, BringsThePointsToTheTemplate) {
  // An image with a white dot at each point of a turned, enlarged template.
  Image image(500, 500);
  Landmarks landmarks;
  for (std::size_t k = 0; k < landmarks.size(); ++k) {
    const Point p = kAlignedLandmarks[k];
    landmarks[k] = {2 * p.x - 1.5F * p.y + 220, 1.5F * p.x + 2 * p.y + 40};
    for (int dy = -4; dy <= 4; ++dy) {
      for (int dx = -4; dx <= 4; ++dx) {
        std::uint8_t* const pixel = image.row(static_cast<int>(landmarks[k].y) + dy) +
                                    3 * (static_cast<int>(landmarks[k].x) + dx);
        pixel[0] = pixel[1] = pixel[2] = 255;
      }
    }
  }
  const Image aligned = align_face(image, landmarks);
  ASSERT_EQ(aligned.width(), kAlignedSide);
  ASSERT_EQ(aligned.height(), kAlignedSide);
  int bright = 0;
  for (int y = 0; y < kAlignedSide; ++y) {
    for (int x = 0; x < kAlignedSide; ++x) bright += aligned.row(y)[3 * x] > 128 ? 1 : 0;
  }
  EXPECT_GT(bright, 5 * 9);
  EXPECT_LT(bright, 5 * 25);
  for (const Point& p : kAlignedLandmarks) {
    EXPECT_GT(aligned.row(static_cast<int>(p.y))[3 * static_cast<int>(p.x)], 200);
  }
}

TEST(AlignFace, RefusesWhatIsNoFace) {
  const Image image(20, 20);
  Landmarks one_place;
  one_place.fill({3, 3});
  EXPECT_EQ(testing::error_of([&] { align_face(image, one_place); }).code(),
            ErrorCode::kInvalidArgument);
  Landmarks bad = kAlignedLandmarks;
  bad[2].x = NAN;
  EXPECT_EQ(testing::error_of([&] { align_face(image, bad); }).code(), ErrorCode::kInvalidArgument);
  EXPECT_EQ(testing::error_of([&] { align_face(ImageView{}, kAlignedLandmarks); }).code(),
            ErrorCode::kInvalidArgument);
}

}  // namespace
}  // namespace retinaface
