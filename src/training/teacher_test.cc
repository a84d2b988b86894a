#include "training/teacher.h"

#include <cmath>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support/testing.h"

namespace retinaface::training {
namespace {

using retinaface::testing::error_of;

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
