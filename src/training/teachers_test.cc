#include "training/teachers.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/random.h"
#include "graph/weights.h"
#include "models/load_model.h"
#include "support/testing.h"

namespace retinaface::training {
namespace {

using retinaface::testing::error_of;
using ::testing::HasSubstr;

constexpr int kSide = 64;

dataset::Sample noise() {
  Random random(5);
  dataset::Sample sample{Image(kSide, kSide), {}};
  for (int y = 0; y < kSide; ++y) {
    for (int i = 0; i < 3 * kSide; ++i) {
      sample.image.row(y)[i] = static_cast<std::uint8_t>(random.below(256));
    }
  }
  return sample;
}

/// Another network of the built-in one's kind, as a file.
class TeachersTest : public ::testing::Test {
 protected:
  TeachersTest() {
    models::LoadedModel other = models::load_builtin_model("mnet025");
    for (float& value : other.weights.tensors.at("body.stage1.0.0.weight").values()) value *= 0.5F;
    other_ = folder_ / "other.safetensors";
    graph::write_safetensors(other_, other.weights);
  }

  TeacherOutputs taught(const std::vector<std::string>& names) {
    const dataset::Sample sample = noise();
    return Teachers(names, recipe_, 2).predict(std::span(&sample, 1));
  }

  std::string error(const std::vector<std::string>& names) {
    return error_of([&] { Teachers(names, recipe_, 1); }).what();
  }

  retinaface::testing::TemporaryFolder folder_;
  std::string other_;
  Recipe recipe_;
};

TEST_F(TeachersTest, EachLevelHasItsTeachersOutputs) {
  const TeacherOutputs first = taught({"mnet025"});
  const TeacherOutputs second = taught({other_});
  recipe_.distillation.teachers = {2, 1, 1};
  const TeacherOutputs both = taught({"mnet025", other_});
  ASSERT_EQ(both.size(), 3);
  for (std::size_t h = 0; h < both.size(); ++h) {
    EXPECT_NE(first[h][0], second[h][0]);
    EXPECT_EQ(both[h][0], second[h][0]);
    EXPECT_EQ(both[h][1], first[h][1]);
    EXPECT_EQ(both[h][2], first[h][2]);
  }
}

TEST_F(TeachersTest, ScoresAreBroughtToOneMeaning) {
  const TeacherOutputs plain = taught({"mnet025"});
  recipe_.distillation.score_factor = {0.5F};
  recipe_.distillation.score_shift = {1};
  const TeacherOutputs scaled = taught({"mnet025"});
  for (std::size_t level = 0; level < 3; ++level) {
    for (std::size_t i = 0; i < plain[0][level].size(); i += 2) {
      EXPECT_NEAR(scaled[0][level][i + 1] - scaled[0][level][i],
                  (plain[0][level][i + 1] - plain[0][level][i]) / 2 + 1, 1e-4);
    }
    EXPECT_EQ(scaled[1][level], plain[1][level]);
  }
}

TEST_F(TeachersTest, WhatDoesNotFitThemIsNamed) {
  const char* const expected =
      "distillation.teachers: expected 3 numbers from 1 to 2, for the strides 8, 16, 32 of mnet025 "
      "which --teacher each learns from, all of them used, found [";
  EXPECT_THAT(error({"mnet025", other_}), HasSubstr(fmt::format("{}]", expected)));
  for (const std::vector<int>& wrong :
       std::vector<std::vector<int>>{{1, 2}, {1, 1, 1}, {1, 2, 3}, {0, 1, 2}, {1, 2, 2, 2}}) {
    recipe_.distillation.teachers = wrong;
    EXPECT_THAT(error({"mnet025", other_}), HasSubstr(expected));
  }
  recipe_.distillation.teachers = {1, 2, 2};
  recipe_.distillation.score_shift = {1};
  EXPECT_THAT(error({"mnet025", other_}),
              HasSubstr("distillation.score_shift: expected 2 numbers, one for each --teacher, "
                        "found 1"));
}

}  // namespace
}  // namespace retinaface::training
