#include "evaluation/calibrate.h"

#include <cmath>
#include <filesystem>
#include <optional>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "detection/detector_factory.h"
#include "graph/weights.h"
#include "image/resize.h"
#include "models/catalogue.h"
#include "runtime/backends/backends.h"
#include "runtime/kernels/bytes.h"
#include "support/testing.h"

namespace retinaface::evaluation {
namespace {

using ::testing::AllOf;
using ::testing::Contains;
using testing::error_of;
using ::testing::HasSubstr;
using ::testing::Not;

class Calibrate : public ::testing::Test {
 protected:
  void SetUp() override {
    if (runtime::kernels::best_byte_kernels() == nullptr) {
      GTEST_SKIP() << "int8 needs AVX2";
    }
  }

  static models::LoadedModel model() { return models::load_builtin_model(models::kDefaultModel); }

  static Image sample(const char* name, int width, int height) {
    return resize(read_image(testing::sample_folder() / name), width, height);
  }

  static CalibrationResult calibrated(models::LoadedModel& model,
                                      const CalibrationOptions& options) {
    return calibrate(model, {sample("hopper.jpg", 96, 112), sample("crowd.webp", 160, 96)}, options,
                     [](std::size_t, std::size_t) {});
  }
};

TEST_F(Calibrate, EachMethodMakesOutputsThatAreNearFloat32s) {
  for (const RangeMethod method :
       {RangeMethod::kMinMax, RangeMethod::kPercentile, RangeMethod::kMinError}) {
    models::LoadedModel loaded = model();
    const CalibrationResult result = calibrated(loaded, {.method = method, .max_error = 1});
    EXPECT_TRUE(result.calibration.float_layers.empty());
    EXPECT_GT(result.error_of_all, 0);
    EXPECT_LT(result.error_of_all, 0.03) << static_cast<int>(method);
  }
}

TEST_F(Calibrate, LayersThatHurtStayInFloat32) {
  models::LoadedModel loaded = model();
  const CalibrationResult all = calibrated(loaded, {.max_error = 1});
  EXPECT_TRUE(all.gains.empty());
  const CalibrationResult some = calibrated(loaded, {.max_error = 0.95 * all.error});
  ASSERT_GT(some.gains.size(), 30U);
  EXPECT_LE(some.error, 0.95 * all.error);
  EXPECT_EQ(some.calibration.float_layers.count(some.gains.front().layer), 1U);
  EXPECT_LT(some.error, some.error_of_all);
  const auto on_bytes =
      runtime::backends().with_byte_layers().byte_layers->names(loaded.graph, loaded.weights);
  EXPECT_THAT(on_bytes, Not(Contains(some.gains.front().layer)));
  EXPECT_THAT(on_bytes, Contains(some.gains.back().layer));
}

TEST_F(Calibrate, FacesOfTheBuiltInModelAreThoseOfFloat32) {
  const models::LoadedModel loaded = model();
  const Image image = read_image(testing::sample_folder() / "hopper.jpg");
  const Detector floats = detection::DetectorFactory::make(loaded);
  const Detector bytes =
      detection::DetectorFactory::make(loaded, "", {.type = graph::DataType::kInt8});
  const auto expected = floats.detect(image);
  const auto actual = bytes.detect(image);
  ASSERT_EQ(expected.size(), 1U);
  ASSERT_EQ(actual.size(), 1U);
  EXPECT_NEAR(actual[0].score, expected[0].score, 0.02F);
  EXPECT_NE(actual[0].score, expected[0].score);  // bytes they were
  const float side = expected[0].box.width();
  EXPECT_NEAR(actual[0].box.x0, expected[0].box.x0, 0.03F * side);
  EXPECT_NEAR(actual[0].box.y1, expected[0].box.y1, 0.03F * side);
  for (std::size_t i = 0; i < expected[0].landmarks.size(); ++i) {
    EXPECT_NEAR(actual[0].landmarks[i].x, expected[0].landmarks[i].x, 0.02F * side);
    EXPECT_NEAR(actual[0].landmarks[i].y, expected[0].landmarks[i].y, 0.02F * side);
  }
  // Whatever the size, and again in the same session.
  bytes.detect(resize(image, 97, 131));
  EXPECT_EQ(bytes.detect(image)[0].score, actual[0].score);
}

TEST_F(Calibrate, StaysWithTheModelInItsFile) {
  models::LoadedModel loaded = model();
  const graph::Calibration written = calibrated(loaded, {.max_error = 0.009}).calibration;
  const testing::TemporaryFolder folder;
  graph::write_safetensors(folder / "model.safetensors", loaded.weights);
  const models::LoadedModel again = models::load_model(folder / "model.safetensors");
  const graph::Calibration read = graph::read_calibration(again.weights);
  EXPECT_EQ(read.float_layers, written.float_layers);
  ASSERT_EQ(read.codes.size(), written.codes.size());
  for (const auto& [name, code] : written.codes) {
    EXPECT_EQ(read.codes.at(name).scale, code.scale) << name;
    EXPECT_EQ(read.codes.at(name).zero, code.zero) << name;
  }
}

// Also where convolutions were merged, and a part of their map is read in float32.
TEST_F(Calibrate, TakesNetworksOfEveryKind) {
  for (const char* const name :
       {"mnet025-light", "shallow-700m", "resnet18", "resnet18+dcn", "resnet18+shared-heads"}) {
    const models::Model& row = models::find_model(name);
    models::LoadedModel loaded;
    loaded.model = &row;
    loaded.graph = row.network.build();
    loaded.weights = graph::random_weights(loaded.graph, 1);
    EXPECT_LT(calibrated(loaded, {.max_error = 10}).error, 10) << name;
    EXPECT_NO_THROW(detection::DetectorFactory::make(loaded, "", {.type = graph::DataType::kInt8})
                        .detect(sample("hopper.jpg", 96, 112)))
        << name;
  }
}

TEST_F(Calibrate, AutoTakesBytesWithinTheBoundAlone) {
  models::LoadedModel loaded = model();
  graph::Calibration calibration = calibrated(loaded, {.max_error = 1}).calibration;
  const auto auto_type = [&](std::optional<double> error) {
    calibration.error = error;
    graph::write_calibration(calibration, loaded.weights);
    return runtime::backends().fastest_type(loaded.graph, loaded.weights, "cpu");
  };
  EXPECT_EQ(auto_type(0.01), graph::DataType::kInt8);
  EXPECT_NE(auto_type(0.03), graph::DataType::kInt8);
  EXPECT_NE(auto_type(std::nullopt), graph::DataType::kInt8);  // of a file of before
  for (const auto& [name, code] : calibration.codes) calibration.float_layers.insert(name);
  EXPECT_NE(auto_type(0.0), graph::DataType::kInt8);  // no layer is on bytes
}

TEST_F(Calibrate, IsJudgedByImagesThatItIsNotMadeOf) {
  // The eight that are judged by are portraits, the others black: a calibration of these alone.
  const Image face = sample("hopper.jpg", 48, 56);
  const Image black(48, 56);
  std::vector<Image> images;
  for (int i = 0; i < 16; ++i) images.push_back(i % 2 == 0 ? face : black);
  models::LoadedModel loaded = model();
  const auto none = [](std::size_t, std::size_t) {};
  EXPECT_GT(calibrate(loaded, images, {.max_error = 100}, none).error, 0.05);
}

TEST_F(Calibrate, WhatIsMissingOrWrongIsSaid) {
  models::LoadedModel loaded = model();
  std::erase_if(loaded.weights.tensors,
                [](const auto& entry) { return entry.first.starts_with("calibration."); });
  const auto open = [&] {
    detection::DetectorFactory::make(loaded, "", {.type = graph::DataType::kInt8});
  };
  EXPECT_THAT(error_of(open).what(),
              AllOf(HasSubstr("no calibration"), HasSubstr("retinaface quantize")));
  graph::Calibration other;
  other.codes["body.stage1.0.2"] = {{1, 1}, {0, 0}};
  graph::write_calibration(other, loaded.weights);
  EXPECT_THAT(error_of(open).what(), HasSubstr("expected 8 channels, found 2"));
  loaded.weights.tensors.at("calibration.body.stage1.0.2.scale").values()[0] = -1;
  EXPECT_THAT(error_of(open).what(), HasSubstr("expected positive numbers"));
}

}  // namespace
}  // namespace retinaface::evaluation
