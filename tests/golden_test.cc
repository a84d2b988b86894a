// The detector against faces that other programs found, and against its own of before.

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

#include <gtest/gtest.h>

#include "retinaface/retinaface.h"

#include "base/cpu.h"
#include "detection/detector_factory.h"
#include "interchange/import.h"
#include "models/load_model.h"
#include "support/testing.h"

namespace retinaface {
namespace {

using nlohmann::json;
using testing::data_folder;

std::vector<Face> faces_of(const json& entry) {
  std::vector<Face> faces;
  for (const json& face : entry.at("faces")) {
    const auto box = face.at("box").get<std::vector<float>>();
    Face& added = faces.emplace_back();
    added.score = face.at("score").get<float>();
    added.box = {box.at(0), box.at(1), box.at(2), box.at(3)};
    for (std::size_t k = 0; k < added.landmarks.size(); ++k) {
      const auto point = face.at("landmarks").at(k).get<std::vector<float>>();
      added.landmarks[k] = {point.at(0), point.at(1)};
    }
  }
  return faces;
}

/// Largest difference of any coordinate, in pixels.
float distance_px(const Face& a, const Face& b) {
  float largest = 0;
  const auto differ = [&](float x, float y) { largest = std::max(largest, std::abs(x - y)); };
  differ(a.box.x0, b.box.x0);
  differ(a.box.y0, b.box.y0);
  differ(a.box.x1, b.box.x1);
  differ(a.box.y1, b.box.y1);
  for (std::size_t k = 0; k < a.landmarks.size(); ++k) {
    differ(a.landmarks[k].x, b.landmarks[k].x);
    differ(a.landmarks[k].y, b.landmarks[k].y);
  }
  return largest;
}

/// Each expected face is found once, and nothing else. Faces of nearly one score may change places,
/// and one whose score is within the tolerance of `min_score` may be on either side.
void expect_faces(const std::vector<Face>& actual, const std::vector<Face>& expected,
                  float min_score, float score_tolerance, float tolerance_px,
                  const std::string& image) {
  std::vector<bool> used(actual.size(), false);
  for (const Face& face : expected) {
    bool found = false;
    for (std::size_t i = 0; i < actual.size() && !found; ++i) {
      found = !used[i] && std::abs(actual[i].score - face.score) <= score_tolerance &&
              distance_px(actual[i], face) <= tolerance_px;
      if (found) used[i] = true;
    }
    EXPECT_TRUE(found || face.score < min_score + score_tolerance)
        << image << ": the face of score " << face.score << " at " << face.box.x0 << ", "
        << face.box.y0 << " is not found";
  }
  for (std::size_t i = 0; i < actual.size(); ++i) {
    EXPECT_TRUE(used[i] || actual[i].score < min_score + score_tolerance)
        << image << ": a face of score " << actual[i].score << " at " << actual[i].box.x0 << ", "
        << actual[i].box.y0 << " should not be there";
  }
}

TEST(Golden, ThePublicCheckpointFindsWhatAnotherImplementationFinds) {
  RF_NEED_DATA("golden/mobilenet0.25_Final_val12.json");
  RF_NEED_DATA("weights/mobilenet0.25_Final.pth");
  // The other drops nothing but what overlaps.
  models::Model row = models::find_model("mnet025");
  row.detector().search.drops_implausible = false;
  models::LoadedModel loaded = models::model_of_weights(
      interchange::import_checkpoint(data_folder() / "weights/mobilenet0.25_Final.pth", row,
                                     interchange::Part::kWhole),
      "the public checkpoint");
  loaded.model = &row;
  const Detector detector = detection::DetectorFactory::make(loaded);
  std::ifstream file(data_folder() / "golden/mobilenet0.25_Final_val12.json");
  const json golden = json::parse(file);
  ASSERT_EQ(golden.size(), 12U);
  std::size_t faces = 0;
  for (const auto& [name, entry] : golden.items()) {
    const Image image =
        read_image(data_folder() / "wider/val/images" / name, {.apply_orientation = false});
    EXPECT_EQ(image.width(), entry.at("width"));
    EXPECT_EQ(image.height(), entry.at("height"));
    const auto expected = faces_of(entry);
    faces += expected.size();
    expect_faces(detector.detect(image, {.min_score = 0.3F, .scales = {1}}), expected, 0.3F, 1e-3F,
                 0.5F, name);
  }
  EXPECT_GT(faces, 50U);
}

/// Of the built-in model on samples/, on the instruction set that RETINAFACE_SIMD names: ctest runs
/// this once for each (tests/CMakeLists.txt).
class GoldenSamples : public ::testing::Test {
 protected:
  void SetUp() override {
    const char* const wanted = std::getenv("RETINAFACE_SIMD");
    const std::string_view name = wanted == nullptr ? "" : wanted;
    if ((name == "avx512" && simd_level() != SimdLevel::kAvx512) ||
        (name == "avx2" && simd_level() != SimdLevel::kAvx2) ||
        (name == "avxvnni" && !has_avx_vnni())) {
      GTEST_SKIP() << "this processor has no " << name;
    }
  }

  static void expect_golden(const char* way, const DetectOptions& options,
                            const Detector& detector = Detector(), float score_tolerance = 1e-3F,
                            float tolerance_px = 0.5F, float min_score = 0) {
    std::ifstream file(testing::fixture_folder() / "golden/samples.json");
    const json golden = json::parse(file);
    std::size_t images = 0;
    std::size_t faces = 0;
    for (const auto& entry : std::filesystem::directory_iterator(testing::sample_folder())) {
      const std::string extension = entry.path().extension().string();
      if (extension != ".jpg" && extension != ".png" && extension != ".webp") continue;
      const std::string name = entry.path().filename().string();
      ++images;
      ASSERT_TRUE(golden.contains(name))
          << name << " is not in tests/data/golden/samples.json; tests/make_golden_samples.py";
      const auto expected = faces_of({{"faces", golden.at(name).at(way)}});
      const auto actual = detector.detect(read_image(entry.path()), options);
      if (min_score == 0) {
        EXPECT_EQ(actual.size(), expected.size()) << name;
      }
      expect_faces(actual, expected, min_score, score_tolerance, tolerance_px, name);
      faces += expected.size();
    }
    EXPECT_EQ(images, golden.size()) << "an image of samples.json is gone";
    EXPECT_GT(faces, 100U);
  }
};

TEST_F(GoldenSamples, AreFoundWithDefaultOptions) {
  expect_golden("default", {});
}

TEST_F(GoldenSamples, AreFoundAtTheirOwnSize) {
  expect_golden("scale_1", {.scales = {1}});
}

TEST_F(GoldenSamples, AreFoundInBfloat16) {
  if (!has_bfloat16_products()) GTEST_SKIP() << "this processor has no AVX512-BF16";
  const Detector detector = detection::DetectorFactory::make(
      models::load_builtin_model("mnet025"), {}, {.type = graph::DataType::kBFloat16});
  expect_golden("scale_1", {.scales = {1}}, detector, 0.02F, 3);
}

TEST_F(GoldenSamples, AreFoundInBytes) {
#if defined(__x86_64__)
  if (simd_level() == SimdLevel::kBaseline) GTEST_SKIP() << "without AVX2 there are no bytes";
#else
  if (!has_int8_dot_products()) GTEST_SKIP() << "this processor has no dotprod";
#endif
  const Detector detector = detection::DetectorFactory::make(models::load_builtin_model("mnet025"),
                                                             {}, {.type = graph::DataType::kInt8});
  if (has_int8_dot_products()) {
    expect_golden("int8", {.scales = {1}}, detector);
  } else {  // some layers of more bits, by AVX2
    expect_golden("int8", {.scales = {1}}, detector, 0.12F, 3, DetectOptions().min_score);
  }
}

}  // namespace
}  // namespace retinaface
