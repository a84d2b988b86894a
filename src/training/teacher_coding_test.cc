#include "training/teacher_coding.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/random.h"
#include "detection/decode.h"
#include "models/catalogue.h"
#include "runtime/runtime.h"
#include "support/testing.h"

namespace retinaface::training {
namespace {

using retinaface::testing::error_of;

constexpr std::int64_t kSide = 64;

/// mnet025's grids in another's coding: one logit, distances in strides, anchors on cells' corners.
models::Model other_coding() {
  models::Model model = models::find_model("mnet025");
  model.name = "other";
  models::AnchorFamily& family = model.detector().anchors;
  family.boxes = models::BoxCoding::kSideDistances;
  family.in_strides = true;
  family.cell_center = 0;
  family.center_variance = 1;
  family.size_variance = 1;
  for (models::AnchorLevel& level : family.levels) {
    std::ranges::fill(level.sizes_px, static_cast<float>(level.stride_px));
  }
  model.detector().heads.front().values = 1;
  return model;
}

/// Faces of all anchors, as the detector reads them from rows of anchors.
std::vector<Face> faces_of(const models::DetectorSpec& detector,
                           const std::vector<std::vector<std::vector<float>>>& by_head) {
  std::vector<std::vector<std::vector<float>>> planes;  // what the maps show, channel by channel
  std::vector<detection::HeadMaps> levels;
  for (std::size_t l = 0; l < detector.anchors.levels.size(); ++l) {
    const models::AnchorLevel& level = detector.anchors.levels[l];
    const detection::Grid grid = detection::grid_of(level, kSide, kSide);
    detection::HeadMaps& maps = levels.emplace_back();
    for (std::size_t h = 0; h < detector.heads.size(); ++h) {
      const auto channels =
          detector.heads[h].values * static_cast<std::int64_t>(level.sizes_px.size());
      maps.push_back({.data = by_head[h][l].data(),
                      .channels = channels,
                      .height = grid.height,
                      .width = grid.width,
                      .block = channels});
    }
  }
  std::vector<Face> faces;
  detection::decode(levels, detector.anchors, detector.heads, 0.0F, faces);
  return faces;
}

// What a student would show if it gave just what it is taught is what the teacher shows.
TEST(TeacherCoding, KeepsTheFaces) {
  const models::Model teacher = other_coding();
  const models::Model& student = models::find_model("mnet025");
  const TeacherCoding coding(teacher, student, "other");
  EXPECT_FALSE(coding.is_identity());
  Random random(5);
  std::vector<std::vector<std::vector<float>>> given(teacher.detector().heads.size());
  std::vector<std::vector<std::vector<float>>> taught(given.size());
  for (std::size_t h = 0; h < given.size(); ++h) {
    for (std::size_t l = 0; l < teacher.detector().anchors.levels.size(); ++l) {
      const models::AnchorLevel& level = teacher.detector().anchors.levels[l];
      const detection::Grid grid = detection::grid_of(level, kSide, kSide);
      std::vector<float> values(static_cast<std::size_t>(grid.height * grid.width) *
                                level.sizes_px.size() *
                                static_cast<std::size_t>(teacher.detector().heads[h].values));
      for (float& value : values) value = 0.5F + 2 * static_cast<float>(random.uniform());
      taught[h].push_back(coding.recode(l, grid, h, values));
      given[h].push_back(std::move(values));
    }
  }
  const std::vector<Face> expected = faces_of(teacher.detector(), given);
  const std::vector<Face> faces = faces_of(student.detector(), taught);
  ASSERT_EQ(faces.size(), 2U * (8 * 8 + 4 * 4 + 2 * 2));
  ASSERT_EQ(faces.size(), expected.size());
  for (std::size_t i = 0; i < faces.size(); ++i) {
    EXPECT_FLOAT_EQ(faces[i].score, expected[i].score);
    EXPECT_NEAR(faces[i].box.x0, expected[i].box.x0, 1e-3);
    EXPECT_NEAR(faces[i].box.y0, expected[i].box.y0, 1e-3);
    EXPECT_NEAR(faces[i].box.x1, expected[i].box.x1, 1e-3);
    EXPECT_NEAR(faces[i].box.y1, expected[i].box.y1, 1e-3);
    for (std::size_t k = 0; k < faces[i].landmarks.size(); ++k) {
      EXPECT_NEAR(faces[i].landmarks[k].x, expected[i].landmarks[k].x, 1e-3);
      EXPECT_NEAR(faces[i].landmarks[k].y, expected[i].landmarks[k].y, 1e-3);
    }
  }
}

// Where a teacher sees no face its sides may lie anywhere, the right one left of the left one.
TEST(TeacherCoding, TeachesFiniteOffsetsWhereABoxIsNone) {
  const TeacherCoding coding(other_coding(), models::find_model("mnet025"), "other");
  const std::vector<float> inverted(2 * 2 * 2 * 4, -3.0F);
  for (const float value : coding.recode(2, {2, 2}, 1, inverted)) {
    EXPECT_TRUE(std::isfinite(value));
  }
}

TEST(TeacherCoding, OfTheSameCodingIsNone) {
  const models::Model& model = models::find_model("mnet025");
  EXPECT_TRUE(TeacherCoding(model, model, "itself").is_identity());
}

TEST(TeacherCoding, NeedsTheStudentsHeads) {
  models::Model teacher = other_coding();
  teacher.detector().heads.pop_back();
  const Error error =
      error_of([&] { TeacherCoding(teacher, models::find_model("mnet025"), "two.safetensors"); });
  EXPECT_EQ(error.code(), ErrorCode::kBadData);
  EXPECT_STREQ(error.what(),
               "two.safetensors: expected a teacher with the heads of mnet025, found other");
}

}  // namespace
}  // namespace retinaface::training
