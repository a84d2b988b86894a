#include "training/teacher.h"

#include <algorithm>
#include <cmath>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/random.h"
#include "detection/anchors.h"
#include "detection/box_coding.h"
#include "detection/voting.h"
#include "models/load_model.h"
#include "support/testing.h"

namespace retinaface::training {
namespace {

using retinaface::testing::error_of;

TEST(Teacher, NeedsTheStudentsGrids) {
  const models::LoadedModel teacher = models::load_builtin_model("mnet025");
  const Error error =
      error_of([&] { Teacher(teacher, models::find_model("resnet50"), "big.safetensors", 1); });
  EXPECT_EQ(error.code(), ErrorCode::kBadData);
  EXPECT_STREQ(
      error.what(),
      "big.safetensors: expected a teacher with the strides of resnet50 and as many anchors "
      "in a cell, found mnet025");
}

TEST(Teacher, NeedsFiniteWeights) {
  models::LoadedModel teacher = models::load_builtin_model("mnet025");
  teacher.weights.tensors.begin()->second.values()[0] = std::nanf("");
  const Error error =
      error_of([&] { Teacher(teacher, models::find_model("mnet025"), "odd.safetensors", 1); });
  EXPECT_EQ(error.code(), ErrorCode::kBadData);
  EXPECT_THAT(error.what(), ::testing::StartsWith("odd.safetensors: expected finite weights"));
}

/// Every anchor of one image as a face, in the order of detection::make_anchors; the score is the
/// difference of the logits.
std::vector<Face> faces_of(const TeacherOutputs& outputs, const models::AnchorFamily& family,
                           int side) {
  std::vector<Face> faces;
  std::size_t level = 0;
  std::size_t index = 0;
  for (const detection::Anchor& anchor : detection::make_anchors(family, side, side)) {
    if (index * 2 == outputs[0][level].size()) {
      ++level;
      index = 0;
    }
    detection::BoxOffsets box;
    detection::LandmarkOffsets landmarks;
    std::copy_n(outputs[1][level].begin() + static_cast<std::ptrdiff_t>(index * 4), 4, box.begin());
    std::copy_n(outputs[2][level].begin() + static_cast<std::ptrdiff_t>(index * 10), 10,
                landmarks.begin());
    faces.push_back({outputs[0][level][2 * index + 1] - outputs[0][level][2 * index],
                     detection::decode_box(anchor, box, family),
                     detection::decode_landmarks(anchor, landmarks, family)});
    ++index;
  }
  return faces;
}

TEST(Teacher, SeesDegradedImagesAsTheyWere) {
  const models::LoadedModel loaded = models::load_builtin_model("mnet025");
  Teacher teacher(loaded, *loaded.model, "itself", 1);
  dataset::Sample clear{read_image(testing::sample_folder() / "portrait.jpg"), {}};
  dataset::Sample degraded{Image(clear.image.width(), clear.image.height()), {}};
  const TeacherOutputs of_black = teacher.predict(std::span(&degraded, 1));
  degraded.clear = clear.image;
  EXPECT_EQ(teacher.predict(std::span(&degraded, 1)), teacher.predict(std::span(&clear, 1)));
  EXPECT_NE(teacher.predict(std::span(&degraded, 1)), of_black);
}

// The same as faces: what it sees in the mirror, brought back by the detector's own rule, is as far
// on one side of what it teaches as what it sees without one is on the other.
void expect_mean_of_mirror(const models::LoadedModel& loaded) {
  constexpr int kSide = 64;
  Random random(3);
  dataset::Sample image{Image(kSide, kSide), {}};
  for (int y = 0; y < kSide; ++y) {
    for (int i = 0; i < 3 * kSide; ++i) {
      image.image.row(y)[i] = static_cast<std::uint8_t>(random.below(256));
    }
  }
  const dataset::Sample reflected{detection::mirrored(image.image), {}};
  const models::Model& student = models::find_model("mnet025");
  const models::AnchorFamily& family = student.detector().anchors;
  const auto seen = [&](const dataset::Sample& sample, bool mirrored) {
    Teacher teacher(loaded, student, "itself", 1, {.mirrored = mirrored});
    return faces_of(teacher.predict(std::span(&sample, 1)), family, kSide);
  };
  const std::vector<Face> plain = seen(image, false);
  const std::vector<Face> in_mirror = seen(reflected, false);
  const std::vector<Face> taught = seen(image, true);
  const std::vector<detection::Anchor> anchors = detection::make_anchors(family, kSide, kSide);
  double difference = 0;
  for (std::size_t i = 0; i < anchors.size(); ++i) {
    const auto twin = std::ranges::find(
        anchors,
        detection::Anchor{{kSide - anchors[i].center.x, anchors[i].center.y}, anchors[i].size_px});
    ASSERT_NE(twin, anchors.end());
    const Face back =
        detection::mirrored(in_mirror[static_cast<std::size_t>(twin - anchors.begin())], kSide);
    EXPECT_NEAR(taught[i].score, (plain[i].score + back.score) / 2, 1e-4);
    EXPECT_NEAR(taught[i].box.x0 + taught[i].box.x1,
                (plain[i].box.x0 + plain[i].box.x1 + back.box.x0 + back.box.x1) / 2, 1e-2);
    EXPECT_NEAR(taught[i].box.width(), std::sqrt(plain[i].box.width() * back.box.width()), 1e-2);
    EXPECT_NEAR(taught[i].box.height(), std::sqrt(plain[i].box.height() * back.box.height()), 1e-2);
    for (std::size_t k = 0; k < taught[i].landmarks.size(); ++k) {
      const Point a = plain[i].landmarks[k];
      const Point b = back.landmarks[k];
      EXPECT_NEAR(taught[i].landmarks[k].x, (a.x + b.x) / 2, 1e-2);
      EXPECT_NEAR(taught[i].landmarks[k].y, (a.y + b.y) / 2, 1e-2);
    }
    difference += std::abs(static_cast<double>(plain[i].score - back.score));
  }
  EXPECT_GT(difference, 1);  // or a teacher that looks once would pass
}

TEST(Teacher, TeachesTheMeanOfAnImageAndItsMirrorImage) {
  expect_mean_of_mirror(models::load_builtin_model("mnet025"));
}

TEST(Teacher, OfAnotherCodingTeachesTheMeanInItsStudents) {
  models::LoadedModel teacher = models::load_builtin_model("mnet025");
  models::Model other = *teacher.model;
  other.detector().anchors.cell_center = 0;
  teacher.model = &other;
  expect_mean_of_mirror(teacher);
}

}  // namespace
}  // namespace retinaface::training
