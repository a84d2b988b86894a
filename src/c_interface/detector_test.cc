#include <array>
#include <string>
#include <thread>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/file.h"
#include "c_interface/testing.h"
#include "support/testing.h"

namespace retinaface {
namespace {

using ::testing::ElementsAre;
using testing::expect_same;
using ::testing::HasSubstr;
using testing::Objects;
using testing::sample;
using ::testing::StartsWith;

TEST(CInterface, FindsWhatTheDetectorFinds) {
  Objects c;
  ASSERT_EQ(rf_detector_new(nullptr, &c.detector), RF_OK) << rf_last_error();
  ASSERT_EQ(rf_image_read(sample("crowd.webp").c_str(), &c.image), RF_OK) << rf_last_error();
  const rf_image_view view = rf_image_get_view(c.image);
  const Image image = read_image(sample("crowd.webp"));
  const Detector detector;

  ASSERT_EQ(rf_detect(c.detector, &view, nullptr, &c.faces), RF_OK) << rf_last_error();
  expect_same(c.faces, detector.detect(image));
  EXPECT_GT(rf_faces_count(c.faces), 3U);

  // Each option by itself, so that none is taken for another.
  const float scales[] = {0.5F, 1};
  const auto expect_option = [&](rf_status status, const DetectOptions& options) {
    ASSERT_EQ(status, RF_OK) << rf_last_error();
    rf_faces* faces = nullptr;
    ASSERT_EQ(rf_detect(c.detector, &view, c.options, &faces), RF_OK) << rf_last_error();
    const auto expected = detector.detect(image, options);
    expect_same(faces, expected);
    rf_faces_free(faces);
  };
  ASSERT_EQ(rf_detect_options_new(&c.options), RF_OK);
  DetectOptions options;
  expect_option(rf_detect_options_set_min_score(c.options, options.min_score = 0.02F), options);
  expect_option(rf_detect_options_set_nms_iou(c.options, options.nms_iou = 0.1F), options);
  options.scales = {0.5F, 1};
  expect_option(rf_detect_options_set_scales(c.options, scales, 2), options);
  expect_option(rf_detect_options_set_tile(c.options, options.tile_px = 1280), options);
  expect_option(rf_detect_options_set_min_size(c.options, options.min_size_px = 12), options);
  expect_option(rf_detect_options_set_clip_to_image(c.options, options.clip_to_image = true),
                options);
  expect_option(rf_detect_options_set_max_faces(c.options, options.max_faces = 4), options);
  expect_option(rf_detect_options_set_turned(c.options, options.turned = true), options);
  options.scales.clear();
  expect_option(rf_detect_options_set_scales(c.options, nullptr, 0), options);
}

TEST(CInterface, GivesTheMeshesThatTheDetectorGives) {
  Objects c;
  ASSERT_EQ(rf_detector_new(nullptr, &c.detector), RF_OK) << rf_last_error();
  ASSERT_EQ(rf_image_read(sample("portrait.jpg").c_str(), &c.image), RF_OK) << rf_last_error();
  const rf_image_view view = rf_image_get_view(c.image);
  ASSERT_EQ(rf_detect(c.detector, &view, nullptr, &c.faces), RF_OK) << rf_last_error();
  std::size_t count = 1;
  EXPECT_EQ(rf_faces_mesh_vertices(c.faces, 0, &count), nullptr);
  EXPECT_EQ(count, 0U);
  rf_pose pose;
  EXPECT_EQ(rf_faces_pose(c.faces, 0, &pose), RF_INVALID_ARGUMENT);
  EXPECT_THAT(rf_last_error(), HasSubstr("expected a face with a mesh"));
  rf_faces_free(c.faces);
  c.faces = nullptr;

  ASSERT_EQ(rf_detect_options_new(&c.options), RF_OK);
  ASSERT_EQ(rf_detect_options_set_mesh(c.options, 1), RF_OK);
  ASSERT_EQ(rf_detect_options_set_refine_mesh(c.options, 1), RF_OK);
  ASSERT_EQ(rf_detect_options_set_refine_mesh(nullptr, 1), RF_INVALID_ARGUMENT);
  ASSERT_EQ(rf_detect(c.detector, &view, c.options, &c.faces), RF_OK) << rf_last_error();
  DetectOptions options;
  options.mesh = true;
  options.refine_mesh = true;
  const FaceMesh expected =
      Detector().detect(read_image(sample("portrait.jpg")), options).front().mesh.value();
  const rf_mesh_vertex* const vertices = rf_faces_mesh_vertices(c.faces, 0, &count);
  ASSERT_EQ(count, kMeshVertices);
  EXPECT_EQ(vertices[700].x, expected.vertices[700].x);
  EXPECT_EQ(vertices[700].z, expected.vertices[700].z);
  const rf_mesh_color* const colors = rf_faces_mesh_colors(c.faces, 0, &count);
  ASSERT_EQ(count, kMeshVertices);
  EXPECT_EQ(colors[700].blue, expected.colors[700].blue);
  ASSERT_EQ(rf_faces_pose(c.faces, 0, &pose), RF_OK);
  EXPECT_EQ(pose.pitch, expected.pose.pitch);
  rf_point points[68];
  ASSERT_EQ(rf_faces_landmarks_68(c.faces, 0, points), RF_OK);
  EXPECT_EQ(points[67].y, landmarks_68(expected)[67].y);
  const std::uint16_t* const triangles = rf_mesh_triangles(&count);
  ASSERT_EQ(count, mesh_triangles().size());
  EXPECT_EQ(triangles[3 * 100 + 2], mesh_triangles()[100][2]);
  EXPECT_EQ(rf_faces_mesh_vertices(c.faces, 99, nullptr), nullptr);
}

TEST(CInterface, GivesTheQualityThatTheLibraryGives) {
  Objects c;
  ASSERT_EQ(rf_detector_new(nullptr, &c.detector), RF_OK) << rf_last_error();
  ASSERT_EQ(rf_image_read(sample("portrait.jpg").c_str(), &c.image), RF_OK) << rf_last_error();
  const rf_image_view view = rf_image_get_view(c.image);
  const Image image = read_image(sample("portrait.jpg"));
  ASSERT_EQ(rf_detect_options_new(&c.options), RF_OK);
  DetectOptions options;
  for (const bool has_mesh : {false, true}) {
    rf_detect_options_set_mesh(c.options, has_mesh ? 1 : 0);
    options.mesh = has_mesh;
    rf_faces_free(c.faces);
    ASSERT_EQ(rf_detect(c.detector, &view, c.options, &c.faces), RF_OK) << rf_last_error();
    const FaceQuality expected = face_quality(image, Detector().detect(image, options).front());
    rf_face_quality quality;
    ASSERT_EQ(rf_faces_quality(c.faces, 0, &view, &quality), RF_OK) << rf_last_error();
    EXPECT_EQ(quality.score, expected.score);
    EXPECT_EQ(quality.sharpness, expected.sharpness);
    EXPECT_EQ(quality.size, expected.size);
    EXPECT_EQ(quality.frontality, expected.frontality);
    EXPECT_EQ(quality.spread, expected.spread);
    EXPECT_EQ(quality.pose.pitch, expected.pose.pitch);
    EXPECT_EQ(rf_faces_quality(c.faces, 1, &view, &quality), RF_INVALID_ARGUMENT);
    EXPECT_THAT(rf_last_error(), HasSubstr("expected one of 1 faces, found 1"));
    EXPECT_EQ(rf_faces_quality(c.faces, 0, nullptr, &quality), RF_INVALID_ARGUMENT);
  }
}

TEST(CInterface, DetectsInBatches) {
  Objects c;
  ASSERT_EQ(rf_detector_new("mnet025", &c.detector), RF_OK) << rf_last_error();
  ASSERT_EQ(rf_image_read(sample("portrait.jpg").c_str(), &c.image), RF_OK);
  ASSERT_EQ(rf_image_read(sample("crowd.webp").c_str(), &c.second), RF_OK);
  std::array views = {rf_image_get_view(c.image), rf_image_get_view(c.second)};
  std::array<rf_faces*, 2> all{};
  ASSERT_EQ(rf_detect_batch(c.detector, views.data(), 2, nullptr, 2, all.data()), RF_OK)
      << rf_last_error();
  const Detector detector;
  expect_same(all[0], detector.detect(read_image(sample("portrait.jpg"))));
  expect_same(all[1], detector.detect(read_image(sample("crowd.webp"))));
  for (rf_faces* faces : all) rf_faces_free(faces);

  views[1].stride = 1;
  EXPECT_EQ(rf_detect_batch(c.detector, views.data(), 2, nullptr, 1, all.data()),
            RF_INVALID_ARGUMENT);
  EXPECT_THAT(rf_last_error(), StartsWith("images[1]: "));
  EXPECT_THAT(all, ElementsAre(nullptr, nullptr));
  views[0].format = 77;
  EXPECT_EQ(rf_detect_batch(c.detector, views.data(), 2, nullptr, 1, all.data()),
            RF_INVALID_ARGUMENT);
  EXPECT_THAT(rf_last_error(), StartsWith("images[0]: format"));
  EXPECT_EQ(rf_detect_batch(c.detector, views.data(), 2, nullptr, 1, nullptr), RF_INVALID_ARGUMENT);
  EXPECT_EQ(rf_detect_batch(c.detector, nullptr, 0, nullptr, 1, nullptr), RF_OK);
}

TEST(CInterface, OptionsStartWithTheDefaultsAndRefuseWhatIsOutOfRange) {
  Objects c;
  ASSERT_EQ(rf_detect_options_new(&c.options), RF_OK);
  const auto refuses = [](rf_status status, const char* name) {
    EXPECT_EQ(status, RF_INVALID_ARGUMENT);
    EXPECT_THAT(rf_last_error(), StartsWith(name));
  };
  const float scales[] = {1, 17};
  refuses(rf_detect_options_set_min_score(c.options, 2), "min_score");
  refuses(rf_detect_options_set_nms_iou(c.options, -1), "nms_iou");
  refuses(rf_detect_options_set_scales(c.options, scales, 2), "scales");
  refuses(rf_detect_options_set_scales(c.options, nullptr, 2), "scales");
  refuses(rf_detect_options_set_tile(c.options, 5), "tile_px");
  refuses(rf_detect_options_set_max_faces(c.options, -1), "max_faces");
  refuses(rf_detect_options_set_min_size(c.options, -1), "min_size_px");
  refuses(rf_detect_options_set_min_score(nullptr, 0.5F), "options");
  // Nothing was changed by those.
  ASSERT_EQ(rf_detector_new(nullptr, &c.detector), RF_OK);
  ASSERT_EQ(rf_image_read(sample("crowd.webp").c_str(), &c.image), RF_OK);
  const rf_image_view view = rf_image_get_view(c.image);
  ASSERT_EQ(rf_detect(c.detector, &view, c.options, &c.faces), RF_OK) << rf_last_error();
  expect_same(c.faces, Detector().detect(read_image(sample("crowd.webp"))));
}

TEST(CInterface, RunsANetworkAsToldTo) {
  rf_runtime_options* runtime = nullptr;
  ASSERT_EQ(rf_runtime_options_new(&runtime), RF_OK);
  rf_detector* detector = nullptr;
  ASSERT_EQ(rf_runtime_options_set_type(runtime, "auto"), RF_OK);
  ASSERT_EQ(rf_detector_new_with(nullptr, runtime, &detector), RF_OK) << rf_last_error();
  rf_detector_free(detector);
  ASSERT_EQ(rf_runtime_options_set_backend(runtime, "reference"), RF_OK);
  ASSERT_EQ(rf_detector_new_with("mnet025", runtime, &detector), RF_OK) << rf_last_error();
  rf_detector_free(detector);
  ASSERT_EQ(rf_runtime_options_set_type(runtime, "int7"), RF_OK);
  EXPECT_EQ(rf_detector_new_with(nullptr, runtime, &detector), RF_INVALID_ARGUMENT);
  EXPECT_THAT(rf_last_error(),
              ::testing::HasSubstr("expected one of float32, bfloat16, int8, auto"));
  EXPECT_EQ(detector, nullptr);
  EXPECT_EQ(rf_runtime_options_set_type(runtime, nullptr), RF_INVALID_ARGUMENT);
  EXPECT_EQ(rf_runtime_options_set_backend(nullptr, "cpu"), RF_INVALID_ARGUMENT);
  rf_runtime_options_free(runtime);
}

TEST(CInterface, TakesADetectorFromMemory) {
  Objects c;
  const auto bytes =
      read_file(testing::sample_folder().parent_path() / "weights" / "mnet025.safetensors");
  ASSERT_EQ(rf_detector_from_memory(bytes.data(), bytes.size(), "mine", &c.detector), RF_OK)
      << rf_last_error();
  ASSERT_EQ(rf_image_read(sample("portrait.jpg").c_str(), &c.image), RF_OK);
  const rf_image_view view = rf_image_get_view(c.image);
  ASSERT_EQ(rf_detect(c.detector, &view, nullptr, &c.faces), RF_OK) << rf_last_error();
  expect_same(c.faces, Detector().detect(read_image(sample("portrait.jpg"))));
  ASSERT_EQ(rf_models_of_detector(c.detector, 640, 480, &c.models), RF_OK);
  EXPECT_EQ(rf_models_count(c.models), 1U);
  EXPECT_EQ(rf_models_weights_origin(c.models, 0), RF_WEIGHTS_MEMORY);
  EXPECT_STREQ(rf_models_weights_source(c.models, 0), "mine");

  rf_detector* none = nullptr;
  EXPECT_EQ(rf_detector_from_memory(bytes.data(), 100, nullptr, &none), RF_BAD_DATA);
  EXPECT_THAT(rf_last_error(), StartsWith("model: "));
  EXPECT_EQ(rf_detector_from_memory(nullptr, 100, nullptr, &none), RF_INVALID_ARGUMENT);
}

TEST(CInterface, ListsTheModels) {
  Objects c;
  ASSERT_EQ(rf_models_known(320, 240, &c.models), RF_OK) << rf_last_error();
  const auto expected = known_models(320, 240);
  ASSERT_EQ(rf_models_count(c.models), expected.size());
  for (std::size_t i = 0; i < expected.size(); ++i) {
    EXPECT_EQ(rf_models_name(c.models, i), expected[i].name);
    EXPECT_EQ(rf_models_summary(c.models, i), expected[i].summary);
    EXPECT_EQ(rf_models_weights_source(c.models, i), expected[i].weights_source);
    EXPECT_EQ(rf_models_parameters(c.models, i), expected[i].parameters);
    EXPECT_EQ(rf_models_multiply_adds(c.models, i), expected[i].multiply_adds);
    EXPECT_EQ(static_cast<int>(rf_models_weights_origin(c.models, i)),
              static_cast<int>(expected[i].weights_origin));
    std::size_t count = 0;
    const std::int32_t* const strides = rf_models_strides(c.models, i, &count);
    EXPECT_EQ(std::vector<int>(strides, strides + count), expected[i].strides_px);
  }
  EXPECT_STREQ(rf_models_name(c.models, expected.size()), "");
  EXPECT_EQ(rf_models_strides(c.models, expected.size(), nullptr), nullptr);
  rf_models* none = nullptr;
  EXPECT_EQ(rf_models_known(0, 240, &none), RF_INVALID_ARGUMENT);
}

TEST(CInterface, AFailureHasAStatusAndALine) {
  auto* image = reinterpret_cast<rf_image*>(1);
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
  Objects c;
  ASSERT_EQ(rf_detector_new(nullptr, &c.detector), RF_OK);
  const std::uint8_t pixels[12] = {};
  rf_image_view view = {pixels, 2, 2, 6, RF_RGB};
  EXPECT_EQ(rf_detect(c.detector, &view, nullptr, &c.faces), RF_OK);
  EXPECT_EQ(rf_faces_count(c.faces), 0U);
  EXPECT_EQ(rf_faces_data(c.faces), nullptr);

  rf_faces* faces = nullptr;
  const auto refuses = [&](const rf_detector* detector, const rf_image_view* image,
                           rf_status status, const char* name) {
    EXPECT_EQ(rf_detect(detector, image, nullptr, &faces), status);
    EXPECT_EQ(faces, nullptr);
    EXPECT_THAT(rf_last_error(), HasSubstr(name));
  };
  refuses(nullptr, &view, RF_INVALID_ARGUMENT, "detector");
  refuses(c.detector, nullptr, RF_INVALID_ARGUMENT, "image");
  EXPECT_EQ(rf_detect(c.detector, &view, nullptr, nullptr), RF_INVALID_ARGUMENT);
  view.format = 77;
  refuses(c.detector, &view, RF_INVALID_ARGUMENT, "format");
  view = {nullptr, 2, 2, 6, RF_RGB};
  refuses(c.detector, &view, RF_INVALID_ARGUMENT, "image");
  view = {pixels, INT32_MAX, INT32_MAX, PTRDIFF_MAX, RF_RGB};
  refuses(c.detector, &view, RF_TOO_LARGE, "image");
  EXPECT_EQ(rf_image_read(nullptr, nullptr), RF_INVALID_ARGUMENT);
  rf_image* image = nullptr;
  EXPECT_EQ(rf_image_read(nullptr, &image), RF_INVALID_ARGUMENT);
  EXPECT_EQ(rf_image_get_view(nullptr).data, nullptr);
}

}  // namespace
}  // namespace retinaface
