#include "training/teacher.h"

#include <algorithm>
#include <array>
#include <cmath>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "image/codec.h"
#include "image/convert.h"
#include "image/resize.h"
#include "support/testing.h"
#include "training/loss_terms.h"

namespace retinaface::training {
namespace {

using retinaface::testing::error_of;

double score_of(const TeacherOutputs& outputs, std::size_t level, std::size_t anchor) {
  const std::vector<float>& cls = outputs.cls[level];
  return sigmoid(static_cast<double>(cls[2 * anchor + 1] - cls[2 * anchor]));
}

/// How far `b` is from `a` where that scores over 0.9: means over those anchors of the scores'
/// distance, and of the offsets', which are tenths of the anchor's size or, of sides, fifths.
struct Distance {
  double score = 0;
  double offset = 0;
};

Distance distance(const TeacherOutputs& a, const TeacherOutputs& b) {
  Distance sum;
  int anchors = 0;
  for (std::size_t level = 0; level < a.cls.size(); ++level) {
    for (std::size_t anchor = 0; anchor < a.cls[level].size() / 2; ++anchor) {
      if (score_of(a, level, anchor) < 0.9) continue;
      ++anchors;
      sum.score += std::abs(score_of(a, level, anchor) - score_of(b, level, anchor));
      const auto add = [&](const std::vector<float>& ours, const std::vector<float>& others,
                           std::size_t width) {
        for (std::size_t i = anchor * width; i < (anchor + 1) * width; ++i) {
          sum.offset += static_cast<double>(std::abs(ours[i] - others[i])) / 14;
        }
      };
      add(a.box[level], b.box[level], 4);
      add(a.landmarks[level], b.landmarks[level], 10);
    }
  }
  EXPECT_GE(anchors, 20);
  return {sum.score / anchors, sum.offset / anchors};
}

// A detector gives nearly the same for a face that is mirrored, or twice as large: what does not
// bring the outputs back to the picture's own anchors is far off.
TEST(Teacher, SeesTheSameFacesHoweverItLooks) {
  constexpr int kSide = 640;
  const models::LoadedModel model = models::load_builtin_model("mnet025");
  const models::AnchorFamily& family = model.model->anchors;
  Teacher teacher(model, *model.model, "teacher", 1);
  for (const char* const name : {"crowd.webp", "portrait.jpg"}) {
    const Image picture =
        resize(read_image(retinaface::testing::sample_folder() / name), kSide, kSide);
    const auto look = [&](const Image& image, bool augmented) {
      const dataset::Sample sample = {image, {}};
      return teacher.look({&sample, 1}, augmented);
    };
    Image mirror_image = picture;
    mirror(mirror_image);
    const TeacherOutputs plain = look(picture, false);
    const auto expect_near = [&](const TeacherOutputs& outputs, const char* what) {
      const Distance from_plain = distance(plain, outputs);
      EXPECT_LT(from_plain.score, 0.08) << name << ", " << what;
      EXPECT_LT(from_plain.offset, 0.4) << name << ", " << what;
    };
    expect_near(mirrored_back(look(mirror_image, false), family, kSide, kSide), "mirrored");
    const TeacherOutputs enlarged = look(resize(picture, 2 * kSide, 2 * kSide), false);
    expect_near(reduced(enlarged, plain, family, kSide, kSide), "enlarged");
    expect_near(look(picture, true), "augmented");
    EXPECT_GT(distance(plain, look(mirror_image, false)).offset, 0.6);
  }
}

// All anchors of a cell that have one twice as large are taken from there, the greatest is not.
TEST(Teacher, TakesFromTheEnlargedPictureWhatHasACounterpart) {
  const models::AnchorFamily family = {.levels = {{8, {8, 16}}, {16, {32, 64}}}};
  constexpr std::int64_t kSide = 16;  // 2 x 2 and 1 x 1 cells; enlarged 4 x 4 and 2 x 2
  const auto outputs_of = [](std::size_t first, std::size_t second, float value) {
    TeacherOutputs outputs;
    for (const std::size_t anchors : {first, second}) {
      outputs.cls.emplace_back(2 * anchors, value);
      outputs.box.emplace_back(4 * anchors, value);
      outputs.landmarks.emplace_back(10 * anchors, value);
    }
    return outputs;
  };
  TeacherOutputs enlarged = outputs_of(32, 8, 1);
  // The second anchor of the four cells around the middle of cell (0, 1): their mean is 10.
  for (const std::size_t cell : {2U, 3U, 6U, 7U})
    enlarged.box[0][(2 * cell + 1) * 4] = 4.0F * static_cast<float>(cell) - 8;
  const TeacherOutputs result = reduced(enlarged, outputs_of(8, 2, 7), family, kSide, kSide);
  EXPECT_EQ(result.box[0][(2 * 1 + 0) * 4], 10);  // 8 px in cell (0, 1), by 16 px
  EXPECT_EQ(result.box[0][(2 * 0 + 0) * 4], 1);
  EXPECT_EQ(result.box[0][(2 * 1 + 1) * 4], 1);  // 16 px, by 32 px on the coarser grid
  EXPECT_EQ(result.box[1][0], 1);                // 32 px, by 64 px
  EXPECT_EQ(result.box[1][4], 7);                // 64 px has none
  EXPECT_EQ(result.cls[1][2], 7);
}

TEST(Teacher, MeansWeighBoxesByTheirScores) {
  const auto look = [](double score, float offset) {
    return TeacherOutputs{{{0, static_cast<float>(std::log(score / (1 - score)))}},
                          {{offset, 0, 0, 0}},
                          {std::vector<float>(10, offset)}};
  };
  const std::array looks = {look(0.9, 1), look(0.2, 3)};
  const TeacherOutputs mean = mean_of(looks, std::array{0.25, 0.75});
  EXPECT_NEAR(score_of(mean, 0, 0), 0.375, 1e-6);
  EXPECT_NEAR(mean.box[0][0], (0.225 * 1 + 0.15 * 3) / 0.375, 1e-5);
  EXPECT_NEAR(mean.landmarks[0][9], (0.225 * 1 + 0.15 * 3) / 0.375, 1e-5);
}

TEST(Teacher, MeansStayFinite) {
  const TeacherOutputs sure = {
      {{-1e4F, 1e4F, 1e4F, -1e4F}}, {std::vector<float>(8, 1)}, {std::vector<float>(20, 1)}};
  const TeacherOutputs mean = mean_of(std::array{sure, sure}, std::array{0.5, 0.5});
  for (const float value : mean.cls[0]) EXPECT_TRUE(std::isfinite(value));
  EXPECT_NEAR(mean.box[0][7], 1, 1e-6F);
}

TEST(Teacher, NeedsTheStudentsAnchors) {
  const models::LoadedModel teacher = models::load_builtin_model("mnet025");
  const Error error =
      error_of([&] { Teacher(teacher, models::find_model("resnet50"), "big.safetensors", 1); });
  EXPECT_EQ(error.code(), ErrorCode::kBadData);
  EXPECT_STREQ(error.what(),
               "big.safetensors: expected a teacher with the anchors of resnet50, found a mnet025");
}

TEST(Teacher, NeedsFiniteWeights) {
  models::LoadedModel teacher = models::load_builtin_model("mnet025");
  teacher.weights.tensors.begin()->second.values[0] = std::nanf("");
  const Error error =
      error_of([&] { Teacher(teacher, models::find_model("mnet025"), "odd.safetensors", 1); });
  EXPECT_EQ(error.code(), ErrorCode::kBadData);
  EXPECT_THAT(error.what(), ::testing::StartsWith("odd.safetensors: expected finite weights"));
}

}  // namespace
}  // namespace retinaface::training
