#include "detection/nms.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <random>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "geometry/box.h"

namespace retinaface::detection {
namespace {

using ::testing::ElementsAre;

constexpr float kNan = std::numeric_limits<float>::quiet_NaN();
constexpr float kMax = std::numeric_limits<float>::max();

/// The definition, each box against each that stays.
std::vector<Face> suppress_plainly(const std::vector<Face>& faces, float max_iou) {
  std::vector<Face> kept;
  for (const Face& face : faces) {
    const bool overlaps = std::ranges::any_of(
        kept, [&](const Face& better) { return iou(better.box, face.box) > max_iou; });
    if (!overlaps) kept.push_back(face);
  }
  return kept;
}

std::vector<Box> boxes_of(const std::vector<Face>& faces) {
  std::vector<Box> boxes;
  for (const Face& face : faces) boxes.push_back(face.box);
  return boxes;
}

Face face(float score, Box box) {
  return {.score = score, .box = box};
}

/// Faces of many sizes, most of them close to another; every tenth repeats one, scores tie often.
std::vector<Face> crowd(std::mt19937& random, std::size_t count, float extent) {
  std::uniform_real_distribution<float> place(-0.1F * extent, 1.1F * extent);
  std::lognormal_distribution<float> side(3, 1);
  std::normal_distribution<float> jitter(0, 0.2F);
  std::vector<Face> faces;
  while (faces.size() < count) {
    const float score = static_cast<float>(random() % 50) / 50;
    if (faces.empty() || random() % 3 == 0) {
      const float x = place(random);
      const float y = place(random);
      faces.push_back(face(score, {x, y, x + side(random), y + side(random)}));
    } else if (random() % 10 == 0) {
      faces.push_back(face(score, faces[random() % faces.size()].box));
    } else {
      Box box = faces[random() % faces.size()].box;
      const float width = box.width();
      const float height = box.height();
      box.x0 += jitter(random) * width;
      box.y0 += jitter(random) * height;
      box.x1 += jitter(random) * width;  // now and then inverted
      box.y1 += jitter(random) * height;
      faces.push_back(face(score, box));
    }
  }
  sort_by_score(faces);
  return faces;
}

TEST(SuppressOverlaps, EqualsTheDefinitionOnCrowds) {
  std::mt19937 random(1);
  for (int round = 0; round < 60; ++round) {
    const std::vector<Face> faces =
        crowd(random, 1 + random() % 500, round % 2 == 0 ? 200.0F : 5000.0F);
    for (const float max_iou : {0.0F, 1e-7F, 0.01F, 0.1F, 0.3F, 0.4F, 0.5F, 0.9F, 1.0F}) {
      std::vector<Face> fast = faces;
      suppress_overlaps(fast, max_iou);
      ASSERT_EQ(boxes_of(fast), boxes_of(suppress_plainly(faces, max_iou)))
          << "round " << round << ", IoU " << max_iou;
    }
  }
}

TEST(SuppressOverlaps, EqualsTheDefinitionOnUnequalBoxes) {
  // Far from square, and up to a million times as large as each other.
  std::mt19937 random(2);
  std::uniform_real_distribution<float> exponent(-3, 3);
  std::uniform_real_distribution<float> place(-100, 100);
  for (int round = 0; round < 60; ++round) {
    std::vector<Face> faces;
    for (std::size_t i = 0; i < 200; ++i) {
      const float x = place(random);
      const float y = place(random);
      const float width = std::pow(10.0F, exponent(random));
      const float height = std::pow(10.0F, exponent(random));
      faces.push_back(face(1, {x, y, x + width, y + height}));
    }
    for (const float max_iou : {0.0F, 1e-6F, 0.001F, 0.1F, 0.4F}) {
      std::vector<Face> fast = faces;
      suppress_overlaps(fast, max_iou);
      ASSERT_EQ(boxes_of(fast), boxes_of(suppress_plainly(faces, max_iou))) << max_iou;
    }
  }
}

TEST(SuppressOverlaps, TakesTheThresholdExclusively) {
  // 5 of 15 square pixels are shared.
  const std::vector<Face> two = {face(0.9F, {0, 0, 10, 1}), face(0.8F, {5, 0, 15, 1})};
  const auto left = [&](float max_iou) {
    std::vector<Face> faces = two;
    suppress_overlaps(faces, max_iou);
    return faces.size();
  };
  EXPECT_EQ(left(5.0F / 15), 2U);
  EXPECT_EQ(left(0.33F), 1U);
}

TEST(SuppressOverlaps, KeepsTheFirstOfEquals) {
  Face first = face(0.5F, {0, 0, 10, 10});
  Face second = first;
  second.landmarks[0] = {1, 1};
  std::vector<Face> faces = {first, second, first};
  suppress_overlaps(faces, 0.4F);
  ASSERT_EQ(faces.size(), 1U);
  EXPECT_EQ(faces[0].landmarks[0], (Point{0, 0}));
  faces = {first, second, first};
  suppress_overlaps(faces, 1.0F);  // nothing overlaps by more than all
  EXPECT_EQ(faces.size(), 3U);
}

TEST(SuppressOverlaps, LeavesDegenerateBoxesAlone) {
  const std::vector<Face> faces = {face(0.9F, {5, 5, 5, 5}), face(0.8F, {5, 5, 5, 5}),
                                   face(0.7F, {9, 9, 1, 1}), face(0.6F, {0, 3, 10, 3})};
  for (const float max_iou : {0.0F, 0.4F}) {
    std::vector<Face> fast = faces;
    suppress_overlaps(fast, max_iou);
    EXPECT_EQ(fast.size(), faces.size());
  }
}

TEST(SuppressOverlaps, DropsWhatIsNoPlace) {
  Face bad_point = face(0.9F, {0, 0, 10, 10});
  bad_point.landmarks[4].y = kNan;
  const Face good = face(0.1F, {50, 50, 60, 60});
  std::vector<Face> faces = {face(0.9F, {kNan, 0, 1, 1}),
                             face(0.8F, {0, 0, std::numeric_limits<float>::infinity(), 1}),
                             bad_point, good};
  suppress_overlaps(faces, 0.4F);
  EXPECT_THAT(boxes_of(faces), ElementsAre(good.box));
  faces = {bad_point};
  suppress_overlaps(faces, 0.4F);
  EXPECT_TRUE(faces.empty());
  suppress_overlaps(faces, 0.4F);
  EXPECT_TRUE(faces.empty());
}

TEST(SuppressOverlaps, DropsWhatNoImageCanHold) {
  const Face good = face(0.7F, {0, 0, 10, 10});
  const std::vector<Face> faces = {face(0.9F, {-kMax, -kMax, kMax, kMax}),
                                   face(0.8F, {kMax, kMax, kMax, kMax}), good, good,
                                   face(0.5F, {-kMax, 0, -kMax, 1})};
  for (const float max_iou : {0.0F, 0.4F}) {
    std::vector<Face> fast = faces;
    suppress_overlaps(fast, max_iou);
    EXPECT_THAT(boxes_of(fast), ElementsAre(good.box));
  }
}

TEST(SuppressOverlaps, ReachesFarFromTheSmallestBoxAtIouZero) {
  std::vector<Face> faces = {face(0.9F, {1, 1, 1.00001F, 1.00001F}), face(0.8F, {0, 0, 5000, 5000}),
                             face(0.7F, {6000, 0, 6001, 1})};
  const auto expected = boxes_of(suppress_plainly(faces, 0));
  suppress_overlaps(faces, 0);
  EXPECT_EQ(boxes_of(faces), expected);
  EXPECT_EQ(faces.size(), 2U);
}

TEST(SortByScore, KeepsTheOrderOfTies) {
  std::vector<Face> faces = {face(0.2F, {0, 0, 1, 1}), face(0.7F, {1, 0, 2, 1}),
                             face(0.2F, {2, 0, 3, 1}), face(0.7F, {3, 0, 4, 1})};
  sort_by_score(faces);
  EXPECT_THAT(boxes_of(faces),
              ElementsAre(Box{1, 0, 2, 1}, Box{3, 0, 4, 1}, Box{0, 0, 1, 1}, Box{2, 0, 3, 1}));
}

TEST(KeepApart, IsSuppressionByPlaces) {
  std::mt19937 random(4);
  std::vector<Face> faces = crowd(random, 400, 300);
  sort_by_score(faces);
  const std::vector<Box> boxes = boxes_of(faces);
  for (const float max_iou : {0.0F, 0.3F, 0.5F, 0.7F}) {
    std::vector<Box> kept;
    for (const std::size_t i : keep_apart(boxes, max_iou)) kept.push_back(boxes[i]);
    EXPECT_EQ(kept, boxes_of(suppress_plainly(faces, max_iou)));
  }
  EXPECT_THAT(keep_apart(std::vector<Box>{{0, 0, kNan, 1}, {0, 0, 1, 1}}, 0.5F), ElementsAre(1));
}

TEST(KeepUncovered, CountsWhatIsSharedOverTheSmallerBox) {
  const std::vector<Box> boxes = {{0, 0, 10, 10},     {2, 2, 4, 4},   {0, 5, 10, 15},
                                  {-20, -20, 30, 30}, {0, 6, 10, 16}, {40, 0, 41, 1},
                                  {0, 0, kNan, 1}};
  EXPECT_THAT(keep_uncovered(boxes, 0.5F), ElementsAre(0, 2, 5));
  EXPECT_THAT(keep_uncovered(boxes, 0.3F), ElementsAre(0, 5));
  EXPECT_THAT(keep_uncovered(boxes, 1.0F), ElementsAre(0, 1, 2, 3, 4, 5));
}

}  // namespace
}  // namespace retinaface::detection
