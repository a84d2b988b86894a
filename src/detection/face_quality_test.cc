#include "retinaface/face_quality.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>
#include <vector>

#include <gtest/gtest.h>

#include "retinaface/detector.h"

#include "geometry/head_pose.h"
#include "image/convert.h"
#include "image/resize.h"
#include "support/testing.h"

namespace retinaface {
namespace {

Image sample(const char* name) {
  return read_image(testing::sample_folder() / name);
}

/// The mean of the pixels up to `reach` away, along rows and then along columns.
Image smoothed(const Image& image, int reach) {
  Image result = image;
  for (const bool is_along : {true, false}) {
    const Image before = result;
    for (int y = 0; y < image.height(); ++y) {
      for (int x = 0; x < image.width(); ++x) {
        for (int c = 0; c < 3; ++c) {
          int sum = 0;
          for (int k = -reach; k <= reach; ++k) {
            const int column = std::clamp(is_along ? x + k : x, 0, image.width() - 1);
            const int row = std::clamp(is_along ? y : y + k, 0, image.height() - 1);
            sum += before.row(row)[3 * column + c];
          }
          result.row(y)[3 * x + c] = static_cast<std::uint8_t>(sum / (2 * reach + 1));
        }
      }
    }
  }
  return result;
}

void expect_between_0_and_1(const FaceQuality& quality) {
  for (const float value :
       {quality.score, quality.sharpness, quality.size, quality.frontality, quality.spread}) {
    EXPECT_GE(value, 0);
    EXPECT_LE(value, 1);
  }
}

class FaceQualityOfSamples : public ::testing::TestWithParam<const char*> {
 protected:
  const Image image_ = sample(GetParam());
  const Face face_ = Detector().detect(image_).front();
  const FaceQuality quality_ = face_quality(image_, face_);
};

INSTANTIATE_TEST_SUITE_P(Samples, FaceQualityOfSamples,
                         ::testing::Values("portrait.jpg", "hopper.jpg"));

TEST_P(FaceQualityOfSamples, IsGood) {
  expect_between_0_and_1(quality_);
  EXPECT_GT(quality_.score, 0.7);
  EXPECT_NEAR(std::pow(quality_.score, 4),
              quality_.sharpness * quality_.size * quality_.frontality * quality_.spread, 1e-5);
}

TEST_P(FaceQualityOfSamples, FallsWithBlur) {
  FaceQuality before = quality_;
  for (const int reach : {1, 2, 3, 4, 6, 8}) {
    const FaceQuality now = face_quality(smoothed(image_, reach), face_);
    EXPECT_LT(now.sharpness, before.sharpness) << reach;
    EXPECT_LT(now.score, before.score) << reach;
    EXPECT_EQ(now.size, before.size);
    EXPECT_EQ(now.spread, before.spread);
    before = now;
  }
  EXPECT_LT(before.sharpness, 0.5 * quality_.sharpness);
}

TEST_P(FaceQualityOfSamples, FallsWithSize) {
  FaceQuality before = quality_;
  for (const int share : {3, 4, 6, 8, 12}) {
    const Image small = resize(image_, image_.width() / share, image_.height() / share);
    const float scale = static_cast<float>(small.width()) / static_cast<float>(image_.width());
    Face face = face_;
    face.box = {scale * face.box.x0, scale * face.box.y0, scale * face.box.x1, scale * face.box.y1};
    for (Point& p : face.landmarks) p = {scale * p.x, scale * p.y};
    const FaceQuality now = face_quality(small, face);
    EXPECT_LT(now.size, before.size) << share;
    EXPECT_LT(now.sharpness, before.sharpness) << share;
    EXPECT_LT(now.score, before.score) << share;
    before = now;
  }
}

TEST_P(FaceQualityOfSamples, FallsWhereAPointIsMistaken) {
  for (std::size_t moved = 0; moved < 5; ++moved) {
    float before = 1;
    for (const float share : {0.15F, 0.3F, 0.5F, 0.8F}) {  // of the eye distance, off the face
      Face face = face_;
      const float eye_distance = face.landmarks[1].x - face.landmarks[0].x;
      face.landmarks[moved].y += (moved < 2 ? -share : share) * eye_distance;
      face.landmarks[moved].x += (moved % 3 == 0 ? -share : share) * eye_distance;
      const float now = face_quality(image_, face).spread;
      EXPECT_LT(now, before) << moved << " by " << share;
      before = now;
    }
    EXPECT_LT(before, 0.5) << moved;
  }
}

TEST_P(FaceQualityOfSamples, WhatIsOutsideTheImageIsNoEdge) {
  // The right half of the face alone, which is black beyond the cut when it is aligned.
  const Box& box = face_.box;
  const int cut = static_cast<int>((box.x0 + box.x1) / 2);
  const Image half = to_rgb(part_of(image_, cut, 0, image_.width() - cut, image_.height()));
  const Image soft = smoothed(half, 6);
  Face face = face_;
  for (Point& p : face.landmarks) p.x -= static_cast<float>(cut);
  EXPECT_LT(face_quality(soft, face).sharpness, 0.6 * quality_.sharpness);
  for (Point& p : face.landmarks) p.x -= 5000;
  EXPECT_EQ(face_quality(half, face).sharpness, 0);
}

TEST(FaceQuality, FallsAsAHeadTurns) {
  const Image image = sample("portrait.jpg");
  for (const bool is_pitch : {false, true}) {
    float before = 1.01F;
    for (const float turn : {0.0F, 20.0F, 40.0F, 60.0F, 80.0F}) {
      Face face{.score = 1, .box = {100, 100, 220, 240}};
      FaceMesh mesh;
      (is_pitch ? mesh.pose.pitch : mesh.pose.yaw) = turn;
      mesh.pose.roll = 2 * turn;  // which makes no difference: alignment takes it away
      face.mesh = mesh;
      face.landmarks = {{{130, 150}, {180, 150}, {155, 180}, {135, 205}, {175, 205}}};
      const FaceQuality quality = face_quality(image, face);
      EXPECT_LT(quality.frontality, before) << turn;
      EXPECT_EQ(quality.pose.roll, 2 * turn);
      before = quality.frontality;
      expect_between_0_and_1(quality);
    }
    EXPECT_LT(before, 0.2);
  }
}

TEST(FaceQuality, FivePointsTellThePoseThatTheMeshHas) {
  std::vector<float> yaws;
  std::vector<float> rolls;
  std::vector<float> pitches;
  DetectOptions options;
  options.mesh = true;
  options.min_size_px = 40;
  const Detector detector;
  for (const char* name : {"portrait.jpg", "hopper.jpg", "crowd.webp"}) {
    for (const Face& face : detector.detect(sample(name), options)) {
      const HeadPose pose = head_pose(face.landmarks);
      yaws.push_back(std::abs(pose.yaw - face.mesh->pose.yaw));
      pitches.push_back(std::abs(pose.pitch - face.mesh->pose.pitch));
      rolls.push_back(std::abs(pose.roll - face.mesh->pose.roll));
    }
  }
  ASSERT_GT(yaws.size(), 15U);
  const auto median = [](std::vector<float>& values) {
    std::ranges::nth_element(values,
                             values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2));
    return values[values.size() / 2];
  };
  EXPECT_LT(median(yaws), 6);
  EXPECT_LT(median(pitches), 7);
  EXPECT_LT(median(rolls), 3);
}

TEST(FaceQuality, AFaceWithoutAPlaceHasNone) {
  const Image image = sample("portrait.jpg");
  Face face;
  EXPECT_EQ(face_quality(image, face).score, 0);
  face.landmarks[2] = {std::numeric_limits<float>::quiet_NaN(), 3};
  EXPECT_EQ(face_quality(image, face).score, 0);
  face.landmarks = {{{1e30F, 0}, {-1e30F, 5}, {0, 1e30F}, {7, 7}, {8, 8}}};
  EXPECT_EQ(face_quality(image, face).score, 0);
  face.landmarks = {{{10, 10}, {30, 10}, {20, 20}, {12, 30}, {28, 30}}};
  face.box = {50, 50, 10, 10};
  EXPECT_EQ(face_quality(image, face).size, 0);
  EXPECT_THROW(face_quality(Image(), face), Error);
}

}  // namespace
}  // namespace retinaface
