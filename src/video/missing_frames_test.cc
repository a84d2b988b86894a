#include "video/missing_frames.h"

#include <vector>

#include <gtest/gtest.h>

namespace retinaface::video {
namespace {

std::int64_t missing(const std::vector<std::int64_t>& steps) {
  MissingFrames missing;
  std::int64_t time = 1000;
  missing.add(time, 25000);
  for (const std::int64_t step : steps) missing.add(time += step, 25000);
  return missing.count();
}

std::vector<std::int64_t> operator+(std::vector<std::int64_t> a,
                                    const std::vector<std::int64_t>& b) {
  a.insert(a.end(), b.begin(), b.end());
  return a;
}

TEST(MissingFrames, AreCountedWhereFramesComeEvenly) {
  const std::vector<std::int64_t> even(10, 3600);
  EXPECT_EQ(missing(even), 0);
  EXPECT_EQ(missing(even + std::vector<std::int64_t>{7200} + even), 1);
  EXPECT_EQ(missing(even + std::vector<std::int64_t>{18001, 7199} + even), 5);
  EXPECT_EQ(
      missing(std::vector<std::int64_t>{3003, 3004, 3003, 3003, 3003, 3003, 3004, 3003, 6006}), 1);
}

TEST(MissingFrames, AreNotWhereTheyComeAsTheyLike) {
  const std::vector<std::int64_t> even(10, 3600);
  EXPECT_EQ(missing({3600, 7200, 3600, 7200, 3600, 7200, 3600, 7200, 3600, 7200, 3600}), 0);
  EXPECT_EQ(missing({3600, 3600, 7200}), 0);
  EXPECT_EQ(missing(even + std::vector<std::int64_t>{5400} + even), 0);  // another rate
  // A joint: the clock goes back, or far ahead.
  EXPECT_EQ(missing(even + std::vector<std::int64_t>{-36000} + even), 0);
  EXPECT_EQ(missing(even + std::vector<std::int64_t>{36000} + even), 0);
}

}  // namespace
}  // namespace retinaface::video
