#include <algorithm>
#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/file.h"
#include "c_interface/testing.h"
#include "support/made_recognizer.h"
#include "support/testing.h"

namespace retinaface {
namespace {

using ::testing::HasSubstr;
using testing::sample;
using ::testing::StartsWith;

TEST(CInterface, RecognisesFaces) {
  const testing::TemporaryFolder folder;
  const std::string file = (folder / "r.safetensors").string();
  testing::write_made_recognizer(file);

  rf_recognizer* recognizer = nullptr;
  ASSERT_EQ(rf_recognizer_new(file.c_str(), &recognizer), RF_OK) << rf_last_error();
  ASSERT_EQ(rf_recognizer_embedding_size(recognizer), 4U);
  Image pixels(130, 120);
  for (int y = 0; y < 120; ++y) {
    for (int i = 0; i < 390; ++i) pixels.row(y)[i] = static_cast<std::uint8_t>(i * y);
  }
  const ImageView view = pixels.view();
  const rf_image_view seen = {view.data, view.width, view.height, view.stride, RF_RGB};
  const std::array<rf_point, 5> points = {{{40, 50}, {80, 50}, {60, 75}, {45, 95}, {75, 95}}};
  std::array<float, 4> values{};
  EXPECT_EQ(rf_recognizer_embed(recognizer, &seen, points.data(), values.data()), RF_OK);
  const std::vector<float> expected =
      Recognizer(file).embed(pixels, {{{40, 50}, {80, 50}, {60, 75}, {45, 95}, {75, 95}}});
  EXPECT_EQ(std::vector<float>(values.begin(), values.end()), expected);
  float alike = 0;
  EXPECT_EQ(rf_similarity(values.data(), expected.data(), 4, &alike), RF_OK);
  EXPECT_NEAR(alike, 1, 1e-6);
  EXPECT_EQ(rf_recognizer_embed(recognizer, &seen, nullptr, values.data()), RF_INVALID_ARGUMENT);
  rf_pose pose;
  ASSERT_EQ(rf_head_pose(points.data(), &pose), RF_OK) << rf_last_error();
  EXPECT_EQ(pose.pitch, head_pose({{{40, 50}, {80, 50}, {60, 75}, {45, 95}, {75, 95}}}).pitch);
  EXPECT_EQ(rf_head_pose(nullptr, &pose), RF_INVALID_ARGUMENT);
  EXPECT_EQ(rf_head_pose(points.data(), nullptr), RF_INVALID_ARGUMENT);
  rf_recognizer_free(recognizer);

  EXPECT_EQ(rf_recognizer_new("mnet025", &recognizer), RF_UNSUPPORTED);
  EXPECT_EQ(recognizer, nullptr);
  EXPECT_EQ(rf_recognizer_embedding_size(nullptr), 0U);
}

TEST(CInterface, RecognisesFacesInBatches) {
  const testing::TemporaryFolder folder;
  const std::string file = (folder / "r.safetensors").string();
  testing::write_made_recognizer(file);
  rf_recognizer* recognizer = nullptr;
  ASSERT_EQ(rf_recognizer_new(file.c_str(), &recognizer), RF_OK) << rf_last_error();
  const Image portrait = read_image(sample("portrait.jpg"));
  const rf_image_view view = {portrait.row(0), portrait.width(), portrait.height(),
                              portrait.stride(), RF_RGB};
  std::array<rf_face_in_image, 3> faces;
  std::array<float, 12> expected{};
  for (std::size_t i = 0; i < faces.size(); ++i) {
    const float x = 20.0F * static_cast<float>(i);
    faces[i] = {view, {{x + 40, 50}, {x + 80, 50}, {x + 60, 75}, {x + 45, 95}, {x + 75, 95}}};
    ASSERT_EQ(rf_recognizer_embed(recognizer, &view, faces[i].landmarks, &expected[4 * i]), RF_OK);
  }
  std::array<float, 12> values{};
  ASSERT_EQ(rf_recognizer_embed_batch(recognizer, faces.data(), 3, 2, values.data()), RF_OK)
      << rf_last_error();
  EXPECT_EQ(values, expected);

  const auto refuses = [&](const char* message) {
    EXPECT_EQ(rf_recognizer_embed_batch(recognizer, faces.data(), 3, 1, values.data()),
              RF_INVALID_ARGUMENT);
    EXPECT_THAT(rf_last_error(), StartsWith(message));
    EXPECT_EQ(values, expected);
  };
  std::ranges::fill(faces[1].landmarks, rf_point{5, 5});
  refuses("faces[1]: landmarks");
  faces[2].image.format = 77;
  refuses("faces[2]: format");
  EXPECT_EQ(rf_recognizer_embed_batch(recognizer, nullptr, 3, 1, values.data()),
            RF_INVALID_ARGUMENT);
  EXPECT_EQ(rf_recognizer_embed_batch(recognizer, faces.data(), 3, 1, nullptr),
            RF_INVALID_ARGUMENT);
  EXPECT_EQ(rf_recognizer_embed_batch(recognizer, nullptr, 0, 1, nullptr), RF_OK);
  rf_recognizer_free(recognizer);
}

TEST(CInterface, RunsARecogniserAsToldToAndTellsOfIt) {
  const testing::TemporaryFolder folder;
  const std::string file = (folder / "r.safetensors").string();
  testing::write_made_recognizer(file);
  rf_runtime_options* runtime = nullptr;
  ASSERT_EQ(rf_runtime_options_new(&runtime), RF_OK);
  ASSERT_EQ(rf_runtime_options_set_backend(runtime, "reference"), RF_OK);
  rf_recognizer* recognizer = nullptr;
  ASSERT_EQ(rf_recognizer_new_with(file.c_str(), runtime, &recognizer), RF_OK) << rf_last_error();
  rf_models* models = nullptr;
  ASSERT_EQ(rf_models_of_recognizer(recognizer, &models), RF_OK) << rf_last_error();
  ASSERT_EQ(rf_models_count(models), 1U);
  EXPECT_STREQ(rf_models_name(models, 0), "made-up");
  EXPECT_EQ(rf_models_weights_origin(models, 0), RF_WEIGHTS_FILE);
  EXPECT_EQ(rf_models_weights_source(models, 0), file);
  EXPECT_EQ(rf_models_parameters(models, 0), 3 * 112 * 112 * 4);
  EXPECT_EQ(rf_models_multiply_adds(models, 0), 3 * 112 * 112 * 4);
  std::size_t strides = 1;
  rf_models_strides(models, 0, &strides);
  EXPECT_EQ(strides, 0U);
  rf_models_free(models);
  rf_recognizer_free(recognizer);
  EXPECT_EQ(rf_models_of_recognizer(nullptr, &models), RF_INVALID_ARGUMENT);
  EXPECT_EQ(models, nullptr);

  const std::vector<std::byte> bytes = read_file(file);
  ASSERT_EQ(
      rf_recognizer_from_memory_with(bytes.data(), bytes.size(), "mine", runtime, &recognizer),
      RF_OK)
      << rf_last_error();
  rf_recognizer_free(recognizer);
  ASSERT_EQ(rf_runtime_options_set_backend(runtime, "nobody"), RF_OK);
  EXPECT_NE(rf_recognizer_new_with(file.c_str(), runtime, &recognizer), RF_OK);
  EXPECT_THAT(rf_last_error(), HasSubstr("nobody"));
  EXPECT_NE(
      rf_recognizer_from_memory_with(bytes.data(), bytes.size(), nullptr, runtime, &recognizer),
      RF_OK);
  EXPECT_EQ(recognizer, nullptr);
  rf_runtime_options_free(runtime);
}

}  // namespace
}  // namespace retinaface
