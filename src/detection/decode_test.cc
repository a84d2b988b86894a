#include "detection/decode.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <random>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "detection/anchors.h"
#include "detection/box_coding.h"
#include "support/testing.h"

namespace retinaface::detection {
namespace {

const models::AnchorFamily kFamily = {.levels = {{8, {16, 32}}, {16, {64, 128}}}};
constexpr std::int64_t kHeight = 45;
constexpr std::int64_t kWidth = 70;

/// The 32 values of each cell (2 anchors of 2 + 4 + 10) of one level, planar.
struct Level {
  Grid grid;
  std::vector<float> planes;

  float at(std::int64_t channel, std::int64_t cell) const {
    return planes[static_cast<std::size_t>(channel * grid.height * grid.width + cell)];
  }
};

constexpr std::int64_t kBoxes = 4;       // first channel of the boxes
constexpr std::int64_t kLandmarks = 12;  // first channel of the landmarks
constexpr std::int64_t kChannels = 32;

std::vector<Level> random_levels(std::uint32_t seed) {
  std::mt19937 random(seed);
  std::normal_distribution<float> value(0, 2);
  std::vector<Level> levels;
  for (const auto& level : kFamily.levels) {
    Level& made = levels.emplace_back();
    made.grid = grid_of(level, kHeight, kWidth);
    made.planes.resize(static_cast<std::size_t>(kChannels * made.grid.height * made.grid.width));
    for (float& v : made.planes) v = value(random);
  }
  return levels;
}

/// The three heads as runs of channels of one map, laid out in blocks as a runtime may.
HeadMaps maps_of(const Level& level, std::int64_t block, std::vector<float>& storage) {
  const std::int64_t cells = level.grid.height * level.grid.width;
  storage.assign(static_cast<std::size_t>((kChannels + block - 1) / block * block * cells), -99);
  for (std::int64_t c = 0; c < kChannels; ++c) {
    for (std::int64_t i = 0; i < cells; ++i) {
      storage[static_cast<std::size_t>((c / block * cells + i) * block + c % block)] =
          level.at(c, i);
    }
  }
  const auto part = [&](std::int64_t first, std::int64_t channels) {
    return runtime::FeatureMap{.data = storage.data(),
                               .first_channel = first,
                               .channels = channels,
                               .height = level.grid.height,
                               .width = level.grid.width,
                               .block = block};
  };
  return {part(0, kBoxes), part(kBoxes, kLandmarks - kBoxes),
          part(kLandmarks, kChannels - kLandmarks)};
}

/// Every anchor, one after the other, in the project's order of anchors.
std::vector<Face> decode_plainly(const std::vector<Level>& levels, float min_score) {
  const std::vector<Anchor> anchors = make_anchors(kFamily, kHeight, kWidth);
  std::vector<Face> faces;
  std::size_t index = 0;
  for (const Level& level : levels) {
    for (std::int64_t cell = 0; cell < level.grid.height * level.grid.width; ++cell) {
      for (std::int64_t a = 0; a < 2; ++a) {
        const Anchor& anchor = anchors[index++];
        const double no = std::exp(double{level.at(2 * a, cell)});
        const double yes = std::exp(double{level.at(2 * a + 1, cell)});
        const auto score = static_cast<float>(yes / (no + yes));
        if (score < min_score) continue;
        BoxOffsets box;
        LandmarkOffsets points;
        for (std::int64_t i = 0; i < 4; ++i) {
          box[static_cast<std::size_t>(i)] = level.at(kBoxes + 4 * a + i, cell);
        }
        for (std::int64_t i = 0; i < 10; ++i) {
          points[static_cast<std::size_t>(i)] = level.at(kLandmarks + 10 * a + i, cell);
        }
        faces.push_back(
            {score, decode_box(anchor, box, kFamily), decode_landmarks(anchor, points, kFamily)});
      }
    }
  }
  EXPECT_EQ(index, anchors.size());
  return faces;
}

std::vector<Face> decode_levels(const std::vector<Level>& levels, std::int64_t block,
                                float min_score) {
  std::vector<std::vector<float>> storage(levels.size());
  std::vector<HeadMaps> maps;
  for (std::size_t l = 0; l < levels.size(); ++l) {
    maps.push_back(maps_of(levels[l], block, storage[l]));
  }
  std::vector<Face> faces;
  decode(maps, kFamily, models::face_heads(), min_score, faces);
  return faces;
}

/// By place, so that orders do not matter: boxes of random offsets are all different.
void sort_by_place(std::vector<Face>& faces) {
  std::ranges::sort(faces, {}, [](const Face& f) { return std::pair(f.box.x0, f.box.y0); });
}

TEST(Decode, FindsWhatPlainLoopsFindInEveryLayout) {
  const std::vector<Level> levels = random_levels(1);
  for (const float min_score : {0.0F, 0.02F, 0.5F, 0.99F}) {
    std::vector<Face> expected = decode_plainly(levels, min_score);
    ASSERT_FALSE(expected.empty());
    sort_by_place(expected);
    for (const std::int64_t block : {1, 8, 16}) {
      std::vector<Face> faces = decode_levels(levels, block, min_score);
      sort_by_place(faces);
      ASSERT_EQ(faces.size(), expected.size()) << "block " << block << ", from " << min_score;
      for (std::size_t i = 0; i < faces.size(); ++i) {
        EXPECT_NEAR(faces[i].score, expected[i].score, 1e-6);
        EXPECT_EQ(faces[i].box, expected[i].box);
        // To a rounding: compilers may fuse the products and sums of one side and not the other.
        for (std::size_t point = 0; point < expected[i].landmarks.size(); ++point) {
          EXPECT_NEAR(faces[i].landmarks[point].x, expected[i].landmarks[point].x, 1e-4);
          EXPECT_NEAR(faces[i].landmarks[point].y, expected[i].landmarks[point].y, 1e-4);
        }
      }
    }
  }
}

TEST(Decode, RefusesMapsOfALevelThatDifferInSize) {
  const std::vector<Level> levels = random_levels(3);
  std::vector<std::vector<float>> storage(levels.size());
  std::vector<HeadMaps> maps;
  for (std::size_t l = 0; l < levels.size(); ++l) {
    maps.push_back(maps_of(levels[l], 8, storage[l]));
  }
  --maps[1][1].height;
  std::vector<Face> faces;
  const Error error =
      testing::error_of([&] { decode(maps, kFamily, models::face_heads(), 0.5F, faces); });
  EXPECT_EQ(error.code(), ErrorCode::kBadData);
  EXPECT_THAT(error.what(), ::testing::HasSubstr("box.1"));
}

TEST(Decode, TakesTheThresholdInclusivelyAndAppends) {
  std::vector<Level> levels = random_levels(1);
  for (Level& level : levels) std::ranges::fill(level.planes, 0.0F);  // each score is 1/2
  EXPECT_EQ(decode_levels(levels, 8, 0.5F).size(), make_anchors(kFamily, kHeight, kWidth).size());
  EXPECT_TRUE(decode_levels(levels, 8, 0.50001F).empty());
  EXPECT_TRUE(decode_levels(levels, 8, 1.0F).empty());

  std::vector<float> storage[2];
  const HeadMaps maps[] = {maps_of(levels[0], 1, storage[0]), maps_of(levels[1], 1, storage[1])};
  std::vector<Face> faces(3);
  decode(maps, kFamily, models::face_heads(), 0.5F, faces);
  EXPECT_EQ(faces.size(), 3 + make_anchors(kFamily, kHeight, kWidth).size());
}

TEST(Decode, OutlivesLogitsThatAreNoNumbers) {
  std::vector<Level> levels = random_levels(1);
  for (Level& level : levels) {
    for (std::size_t i = 0; i < level.planes.size(); ++i) {
      constexpr float kOdd[] = {std::numeric_limits<float>::quiet_NaN(), INFINITY, -INFINITY, 1e38F,
                                -1e38F};
      level.planes[i] = kOdd[i % 5];
    }
  }
  for (const Face& face : decode_levels(levels, 1, 0.5F)) {
    EXPECT_GE(face.score, 0.5F);
    EXPECT_LE(face.score, 1.0F);
  }
}

/// A map of one cell at row 1, column 2 of a grid of 2 x 3; the others are far from a face.
runtime::FeatureMap one_cell(std::vector<float>& storage, const std::vector<float>& values) {
  storage.assign(values.size() * 6, -30.0F);
  for (std::size_t c = 0; c < values.size(); ++c) storage[c * 6 + 5] = values[c];
  return {.data = storage.data(),
          .channels = static_cast<std::int64_t>(values.size()),
          .height = 2,
          .width = 3};
}

models::Head head_of(int values, models::HeadMeaning meaning) {
  models::Head head;
  head.values = values;
  head.meaning = meaning;
  return head;
}

TEST(Decode, DistancesInStridesFromTheCornersOfCells) {
  // SCRFD's coding, by hand: the centre is (2 * 8, 1 * 8).
  const models::AnchorFamily family = {.levels = {{8, {16}}},
                                       .center_variance = 1,
                                       .size_variance = 1,
                                       .boxes = models::BoxCoding::kSideDistances,
                                       .in_strides = true,
                                       .cell_center = 0};
  const std::vector<models::Head> heads = {head_of(1, models::HeadMeaning::kScore),
                                           head_of(4, models::HeadMeaning::kBox),
                                           head_of(10, models::HeadMeaning::kLandmarks)};
  std::vector<float> storage[3];
  const HeadMaps level = {one_cell(storage[0], {std::log(3.0F)}),
                          one_cell(storage[1], {1, 0.5F, 2, 3}),
                          one_cell(storage[2], {0, 0, 1, 0, 0.5F, -1, 0, 0, 0, 2})};
  std::vector<Face> faces;
  decode(std::vector<HeadMaps>{level}, family, heads, 0.7F, faces);
  ASSERT_EQ(faces.size(), 1U);
  EXPECT_NEAR(faces[0].score, 0.75, 1e-6);
  EXPECT_EQ(faces[0].box, (Box{8, 4, 32, 32}));
  EXPECT_EQ(faces[0].landmarks, (Landmarks{{{16, 8}, {24, 8}, {20, 0}, {16, 8}, {16, 24}}}));
}

TEST(Decode, TheGeometricMeanOfTwoScores) {
  // YuNet's coding, by hand.
  const models::AnchorFamily family = {.levels = {{16, {32}}},
                                       .center_variance = 1,
                                       .size_variance = 1,
                                       .in_strides = true,
                                       .cell_center = 0};
  const std::vector<models::Head> heads = {
      head_of(1, models::HeadMeaning::kScore), head_of(1, models::HeadMeaning::kScore),
      head_of(4, models::HeadMeaning::kBox), head_of(10, models::HeadMeaning::kLandmarks)};
  std::vector<float> storage[4];
  // Probabilities 0.5 and 0.98: each alone would fail one of the thresholds below.
  const HeadMaps level = {one_cell(storage[0], {0}), one_cell(storage[1], {std::log(49.0F)}),
                          one_cell(storage[2], {0.5F, -0.25F, std::log(2.0F), 0}),
                          one_cell(storage[3], std::vector<float>(10, 0.0F))};
  std::vector<Face> faces;
  decode(std::vector<HeadMaps>{level}, family, heads, 0.69F, faces);
  ASSERT_EQ(faces.size(), 1U);
  EXPECT_NEAR(faces[0].score, 0.7, 1e-6);
  EXPECT_NEAR(faces[0].box.x0, 40 - 16, 1e-4);  // centre (32 + 8, 16 - 4), sides 32 and 16
  EXPECT_NEAR(faces[0].box.x1, 40 + 16, 1e-4);
  EXPECT_NEAR(faces[0].box.y0, 12 - 8, 1e-4);
  EXPECT_NEAR(faces[0].box.y1, 12 + 8, 1e-4);
  EXPECT_EQ(faces[0].landmarks[4], (Point{32, 16}));
  faces.clear();
  decode(std::vector<HeadMaps>{level}, family, heads, 0.71F, faces);
  EXPECT_TRUE(faces.empty());
}

}  // namespace
}  // namespace retinaface::detection
