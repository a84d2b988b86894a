#include "training/distillation.h"

#include <algorithm>
#include <cmath>

#include <gtest/gtest.h>

#include "base/random.h"
#include "training/testing.h"

namespace retinaface::training {
namespace {

using testing::expect_gradients;
using testing::Outputs;

constexpr double kBeta = 0.5;
const LossCounts kCounts = {.positives = 3};

TeacherOutputs teacher_of(const Outputs& outputs) {
  const auto& values = outputs.values;
  return {{values[0], values[1]}, {values[2], values[3]}, {values[4], values[5]}};
}

/// With no other loss beside it.
double distance(Outputs& student, const TeacherOutputs& teacher,
                const DistillationOptions& options) {
  for (auto& gradients : student.gradients) std::ranges::fill(gradients, 0.0F);
  return add_distillation_loss(student.views(), teacher, models::face_heads(), kCounts, kBeta,
                               options);
}

TEST(Distillation, EqualsAnExampleWorkedByHand) {
  Outputs student(1);
  for (auto& values : student.values) std::ranges::fill(values, 0.0F);
  TeacherOutputs teacher = teacher_of(student);
  // All anchors but one agree, on 1/2; the teacher gives that one 3/4, and its box another offset.
  teacher[0][0][1] = std::log(3.0F);
  teacher[1][0][2] = 1;
  const double got =
      distance(student, teacher, {.weights = {{"cls", 2}, {"box", 4}, {"landmarks", 1}}});
  const double divergence = 0.75 * std::log(0.75 / 0.5) + 0.25 * std::log(0.25 / 0.5);
  EXPECT_NEAR(got, (2 * divergence + 4 * 0.75 * (1 - 0.25)) / 3, 1e-6);
}

TEST(Distillation, AHighTemperatureComparesMargins) {
  Outputs student(1);
  for (auto& values : student.values) std::ranges::fill(values, 0.0F);
  TeacherOutputs teacher = teacher_of(student);
  teacher[0][0][1] = -4;
  // T^2 KL tends to the square of the margins' difference by 8 (Hinton et al. 2015).
  EXPECT_NEAR(distance(student, teacher, {.weights = {{"cls", 3}}, .temperature = 100}), 16.0 / 8,
              1e-3);
}

TEST(Distillation, GradientsEqualFiniteDifferences) {
  const TeacherOutputs teacher = teacher_of(Outputs(8));
  const DistillationOptions plain = {.weights = {{"box", 0.5F}, {"landmarks", 0.25F}}};
  DistillationOptions everywhere = plain;
  everywhere.temperature = 2;
  everywhere.min_weight = 0.3F;
  for (const DistillationOptions& options : {plain, everywhere}) {
    Outputs student(9);
    const auto loss = [&] { return distance(student, teacher, options); };
    EXPECT_GT(loss(), 0);
    EXPECT_GE(expect_gradients(student, loss), 100U);
  }
}

// More anchors than a thread takes at once.
TEST(DistillationThreads, ChangeNoBit) {
  constexpr std::size_t kAnchors = 30'000;
  Random random(7);
  const auto noise = [&](std::size_t size) {
    std::vector<float> values(size);
    for (float& value : values) value = static_cast<float>(random.uniform(-3, 3));
    return values;
  };
  std::vector<std::vector<float>> values;
  TeacherOutputs teacher;
  for (const models::Head& head : models::face_heads()) {
    const std::size_t size = kAnchors * static_cast<std::size_t>(head.values);
    values.push_back(noise(size));
    teacher.push_back({noise(size)});
  }
  const auto compute = [&](int threads) {
    std::vector<std::vector<float>> gradients;
    for (const auto& map : values) gradients.emplace_back(map.size(), 0.5F);
    NetworkOutputs student;
    for (std::size_t h = 0; h < values.size(); ++h) {
      student.push_back({{std::span<const float>(values[h])}, {std::span(gradients[h])}});
    }
    const double loss =
        add_distillation_loss(student, teacher, models::face_heads(), kCounts, kBeta, {}, threads);
    return std::pair(loss, gradients);
  };
  const auto expected = compute(1);
  EXPECT_GT(expected.first, 0);
  for (const int threads : {2, 5}) EXPECT_EQ(compute(threads), expected);
}

TEST(Distillation, AddsToTheGradientsThatAreThere) {
  const TeacherOutputs teacher = teacher_of(Outputs(8));
  Outputs alone(9);
  distance(alone, teacher, {});
  Outputs added(9);
  for (auto& gradients : added.gradients) std::ranges::fill(gradients, 1.0F);
  add_distillation_loss(added.views(), teacher, models::face_heads(), kCounts, kBeta, {});
  for (std::size_t i = 0; i < alone.gradients.size(); ++i) {
    for (std::size_t j = 0; j < alone.gradients[i].size(); ++j) {
      EXPECT_NEAR(added.gradients[i][j], alone.gradients[i][j] + 1, 1e-6F);
    }
  }
}

TEST(Distillation, LeavesBoxesAndPointsWhereTheTeacherSeesNoFace) {
  TeacherOutputs teacher = teacher_of(Outputs(10));
  for (auto& level : teacher[0]) {
    for (std::size_t i = 0; i < level.size(); i += 2) level[i] = level[i + 1] + 5;  // 0.7 %
  }
  Outputs student(11);
  EXPECT_GT(distance(student, teacher, {.min_score = 0.01F}), 0);
  for (std::size_t i = 2; i < student.gradients.size(); ++i) {
    for (const float gradient : student.gradients[i]) EXPECT_EQ(gradient, 0);
  }
  distance(student, teacher, {.min_score = 0.005F});
  EXPECT_NE(student.gradients[2][0], 0);
}

TEST(Distillation, TeachesBoxesAndPointsEverywhereWithTheMinWeight) {
  Outputs student(1);
  for (auto& values : student.values) std::ranges::fill(values, 0.0F);
  TeacherOutputs teacher = teacher_of(student);
  teacher[1][0][0] = 1;   // of an anchor of 1/2
  teacher[2][1][0] = -1;  // and of one under min_score
  const DistillationOptions options = {
      .weights = {{"box", 3}, {"landmarks", 6}}, .min_score = 0.6F, .min_weight = 0.1F};
  EXPECT_NEAR(distance(student, teacher, options), 0.1 * (1 + 2) * (1 - 0.25), 1e-6);
}

TEST(Distillation, StaysFiniteForExtremeLogits) {
  TeacherOutputs teacher = teacher_of(Outputs(12));
  for (float& value : teacher[0][0]) value *= 1e4F;
  Outputs student(13);
  EXPECT_TRUE(std::isfinite(distance(student, teacher, {})));
  for (float& value : student.values[0]) value *= -1e4F;
  EXPECT_TRUE(std::isfinite(distance(student, teacher, {})));
  for (const float gradient : student.gradients[0]) EXPECT_LE(std::abs(gradient), 1);
}

}  // namespace
}  // namespace retinaface::training
