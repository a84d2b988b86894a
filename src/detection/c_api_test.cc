#include <string>
#include <thread>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "retinaface/c.h"
#include "retinaface/retinaface.h"

#include "support/testing.h"

namespace retinaface {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

struct Detection {
  rf_detector* detector = nullptr;
  rf_image* image = nullptr;
  rf_faces* faces = nullptr;
  ~Detection() {
    rf_faces_free(faces);
    rf_image_free(image);
    rf_detector_free(detector);
  }
};

TEST(CInterface, FindsWhatTheDetectorFinds) {
  const auto path = testing::sample_folder() / "crowd.webp";
  Detection c;
  ASSERT_EQ(rf_detector_new(nullptr, &c.detector), RF_OK) << rf_last_error();
  ASSERT_EQ(rf_image_read(path.c_str(), &c.image), RF_OK) << rf_last_error();
  const rf_image_view view = rf_image_get_view(c.image);
  const float scales[] = {0.5F, 1};
  rf_detect_options options = rf_default_options();
  options.min_score = 0.3F;
  options.scales = scales;
  options.scale_count = 2;
  ASSERT_EQ(rf_detect(c.detector, &view, &options, &c.faces), RF_OK) << rf_last_error();

  const auto expected =
      Detector().detect(read_image(path), {.min_score = 0.3F, .scales = {0.5F, 1}});
  ASSERT_GT(expected.size(), 3U);
  ASSERT_EQ(rf_faces_count(c.faces), expected.size());
  for (std::size_t i = 0; i < expected.size(); ++i) {
    const rf_face& face = rf_faces_data(c.faces)[i];
    EXPECT_EQ(face.score, expected[i].score);
    EXPECT_EQ((Box{face.x0, face.y0, face.x1, face.y1}), expected[i].box);
    for (std::size_t k = 0; k < 5; ++k) {
      EXPECT_EQ((Point{face.landmarks[k].x, face.landmarks[k].y}), expected[i].landmarks[k]);
    }
  }
}

TEST(CInterface, DefaultsAreTheDetectors) {
  const rf_detect_options options = rf_default_options();
  EXPECT_EQ(options.min_score, DetectOptions().min_score);
  EXPECT_EQ(options.nms_iou, DetectOptions().nms_iou);
  EXPECT_EQ(options.scale_count, 0U);
}

TEST(CInterface, AFailureHasAStatusAndALine) {
  rf_image* image = reinterpret_cast<rf_image*>(1);
  EXPECT_EQ(rf_image_read("no/such/image.jpg", &image), RF_NOT_FOUND);
  EXPECT_EQ(image, nullptr);
  EXPECT_THAT(rf_last_error(), StartsWith("no/such/image.jpg: "));

  rf_detector* none = nullptr;
  EXPECT_EQ(rf_detector_new("no_such_model.safetensors", &none), RF_NOT_FOUND);
  EXPECT_THAT(rf_last_error(), HasSubstr("no_such_model.safetensors"));

  // Each thread has its own.
  std::string other = "?";
  std::thread([&] { other = rf_last_error(); }).join();
  EXPECT_EQ(other, "");
}

TEST(CInterface, RefusesWhatIsNoArgument) {
  Detection c;
  ASSERT_EQ(rf_detector_new(nullptr, &c.detector), RF_OK);
  const std::uint8_t pixels[12] = {};
  rf_image_view view = {pixels, 2, 2, 6, RF_RGB};
  EXPECT_EQ(rf_detect(c.detector, &view, nullptr, &c.faces), RF_OK);
  EXPECT_EQ(rf_faces_count(c.faces), 0U);
  EXPECT_EQ(rf_faces_data(c.faces), nullptr);

  rf_faces* faces = nullptr;
  const auto refuses = [&](const rf_detector* detector, const rf_image_view* image,
                           const rf_detect_options* options, const char* name) {
    EXPECT_EQ(rf_detect(detector, image, options, &faces), RF_INVALID_ARGUMENT);
    EXPECT_EQ(faces, nullptr);
    EXPECT_THAT(rf_last_error(), HasSubstr(name));
  };
  refuses(nullptr, &view, nullptr, "detector");
  refuses(c.detector, nullptr, nullptr, "image");
  EXPECT_EQ(rf_detect(c.detector, &view, nullptr, nullptr), RF_INVALID_ARGUMENT);
  rf_detect_options options = rf_default_options();
  options.scale_count = 1;
  refuses(c.detector, &view, &options, "scales");
  options = rf_default_options();
  options.min_score = 2;
  refuses(c.detector, &view, &options, "min_score");
  view.format = 77;
  refuses(c.detector, &view, nullptr, "format");
  view = {nullptr, 2, 2, 6, RF_RGB};
  refuses(c.detector, &view, nullptr, "image");
  EXPECT_EQ(rf_image_read(nullptr, nullptr), RF_INVALID_ARGUMENT);
  rf_image* image = nullptr;
  EXPECT_EQ(rf_image_read(nullptr, &image), RF_INVALID_ARGUMENT);
  EXPECT_EQ(rf_image_get_view(nullptr).data, nullptr);
}

}  // namespace
}  // namespace retinaface
