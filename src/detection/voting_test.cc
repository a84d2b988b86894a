#include "detection/voting.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace retinaface::detection {
namespace {

using ::testing::IsEmpty;

Face face(float score, Box box) {
  Face result{.score = score, .box = box};
  for (std::size_t k = 0; k < 5; ++k)
    result.landmarks[k] = {box.x0 + static_cast<float>(k), box.y1};
  return result;
}

TEST(Vote, MeansAClusterByScore) {
  const auto voted = vote({face(0.25F, {2, 0, 12, 10}), face(0.75F, {0, 0, 10, 10})}, 0.4F);
  ASSERT_EQ(voted.size(), 1U);
  EXPECT_EQ(voted[0].score, 0.75F);
  EXPECT_EQ(voted[0].box, (Box{0.5F, 0, 10.5F, 10}));
  EXPECT_EQ(voted[0].landmarks[2], (Point{2.5F, 10}));
}

TEST(Vote, KeepsFacesThatStandAlone) {
  const Face low = face(0.3F, {50, 50, 60, 60});
  const Face high = face(0.6F, {0, 0, 10, 10});
  const auto voted = vote({low, high}, 0.4F);
  ASSERT_EQ(voted.size(), 2U);
  EXPECT_EQ(voted[0].box, high.box);
  EXPECT_EQ(voted[1].box, low.box);
  EXPECT_THAT(vote({}, 0.4F), IsEmpty());
}

TEST(Vote, TakesTheThresholdInclusively) {
  // 5 of 15 square pixels are shared.
  const std::vector<Face> faces = {face(0.9F, {0, 0, 10, 1}), face(0.8F, {5, 0, 15, 1})};
  EXPECT_EQ(vote(faces, 5.0F / 15).size(), 1U);
  EXPECT_EQ(vote(faces, 0.34F).size(), 2U);
}

TEST(Vote, AsksForOverlapWithTheBestOneOnly) {
  // A chain: the third overlaps the second, not the first, and founds its own cluster.
  const auto voted = vote(
      {face(0.9F, {0, 0, 10, 10}), face(0.8F, {4, 0, 14, 10}), face(0.7F, {8, 0, 18, 10})}, 0.4F);
  ASSERT_EQ(voted.size(), 2U);
  EXPECT_EQ(voted[1].box, (Box{8, 0, 18, 10}));
}

TEST(Vote, OutlivesBoxesWithoutAreaAndScoresOfZero) {
  EXPECT_EQ(vote({face(0.0F, {1, 1, 1, 1}), face(0.0F, {1, 1, 1, 1})}, 0.4F).size(), 2U);
  EXPECT_EQ(vote({face(0.0F, {0, 0, 9, 9}), face(0.0F, {0, 0, 9, 9})}, 0.4F).size(), 1U);
}

TEST(Mirrored, TwiceIsTheSame) {
  Image image(3, 2);
  for (int i = 0; i < 18; ++i) image.row(i / 9)[i % 9] = static_cast<std::uint8_t>(i);
  const Image once = mirrored(image);
  EXPECT_EQ(once.row(0)[0], 6);
  EXPECT_EQ(once.row(0)[2], 8);
  EXPECT_EQ(once.row(1)[3], 12);
  const Image twice = mirrored(once);
  for (int y = 0; y < 2; ++y) EXPECT_TRUE(std::equal(twice.row(y), twice.row(y) + 9, image.row(y)));

  const Face original = face(0.5F, {10, 20, 30, 40});
  const Face there = mirrored(original, 100);
  EXPECT_EQ(there.box, (Box{70, 20, 90, 40}));
  EXPECT_EQ(there.landmarks[0], (Point{89, 40}));  // the right eye, at 11, is now on the left
  EXPECT_EQ(there.landmarks[3], (Point{86, 40}));
  const Face back = mirrored(there, 100);
  EXPECT_EQ(back.box, original.box);
  EXPECT_EQ(back.landmarks, original.landmarks);
}

}  // namespace
}  // namespace retinaface::detection
