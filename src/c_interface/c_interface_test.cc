#include <algorithm>
#include <array>
#include <string>
#include <thread>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "retinaface/c.h"
#include "retinaface/retinaface.h"

#include "base/file.h"
#include "image/convert.h"
#include "support/made_recognizer.h"
#include "support/testing.h"

namespace retinaface {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::StartsWith;

/// What a test has made, freed at its end.
struct Objects {
  rf_detector* detector = nullptr;
  rf_detect_options* options = nullptr;
  rf_read_options* read_options = nullptr;
  rf_image* image = nullptr;
  rf_image* second = nullptr;
  rf_faces* faces = nullptr;
  rf_models* models = nullptr;
  rf_video* video = nullptr;
  rf_video_options* video_options = nullptr;
  rf_tracker* tracker = nullptr;
  rf_tracker_options* tracker_options = nullptr;
  Objects() = default;
  Objects(const Objects&) = delete;
  Objects& operator=(const Objects&) = delete;
  ~Objects() {
    rf_tracker_options_free(tracker_options);
    rf_tracker_free(tracker);
    rf_video_options_free(video_options);
    rf_video_free(video);
    rf_models_free(models);
    rf_faces_free(faces);
    rf_image_free(second);
    rf_image_free(image);
    rf_read_options_free(read_options);
    rf_detect_options_free(options);
    rf_detector_free(detector);
  }
};

std::string sample(const std::string& name) {
  return (testing::sample_folder() / name).string();
}

Face cpp_of(const rf_face& face) {
  Face result{face.score, {face.x0, face.y0, face.x1, face.y1}, {}};
  for (std::size_t k = 0; k < 5; ++k) {
    result.landmarks[k] = {face.landmarks[k].x, face.landmarks[k].y};
  }
  return result;
}

void expect_same(const rf_faces* faces, const std::vector<Face>& expected) {
  ASSERT_EQ(rf_faces_count(faces), expected.size());
  for (std::size_t i = 0; i < expected.size(); ++i) {
    const Face face = cpp_of(rf_faces_data(faces)[i]);
    EXPECT_EQ(face.score, expected[i].score);
    EXPECT_EQ(face.box, expected[i].box);
    EXPECT_EQ(face.landmarks, expected[i].landmarks);
    std::size_t values = 1;
    EXPECT_EQ(rf_faces_values(faces, i, &values), nullptr);
    EXPECT_EQ(values, 0U);
  }
}

void expect_same(const rf_image* image, const Image& expected) {
  const rf_image_view view = rf_image_get_view(image);
  ASSERT_EQ(view.width, expected.width());
  ASSERT_EQ(view.height, expected.height());
  ASSERT_EQ(view.format, RF_RGB);
  for (int y = 0; y < expected.height(); ++y) {
    ASSERT_TRUE(std::equal(expected.row(y), expected.row(y) + expected.stride(),
                           view.data + y * view.stride))
        << y;
  }
}

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

TEST(CInterface, ReadsOnABackgroundAndStrictly) {
  Objects c;
  const std::string transparent = (testing::fixture_folder() / "images/alpha.png").string();
  ASSERT_EQ(rf_read_options_new(&c.read_options), RF_OK);
  ASSERT_EQ(rf_read_options_set_background(c.read_options, 0x0A14C8), RF_OK);
  EXPECT_EQ(rf_read_options_set_background(c.read_options, 0x1000000), RF_INVALID_ARGUMENT);
  ASSERT_EQ(rf_image_read_with(transparent.c_str(), c.read_options, &c.image), RF_OK);
  const std::uint8_t* const first = rf_image_get_view(c.image).data;  // which is not seen at all
  EXPECT_EQ((std::array{first[0], first[1], first[2]}), (std::array<std::uint8_t, 3>{10, 20, 200}));

  const std::vector<std::byte> jpeg = read_file(sample("portrait.jpg"));
  const std::size_t most = jpeg.size() - 100;
  ASSERT_EQ(rf_image_decode(jpeg.data(), most, nullptr, c.read_options, &c.second), RF_OK);
  ASSERT_EQ(rf_read_options_set_strict(c.read_options, 1), RF_OK);
  rf_image* none = nullptr;
  EXPECT_EQ(rf_image_decode(jpeg.data(), most, nullptr, c.read_options, &none), RF_BAD_DATA);
}

TEST(CInterface, TellsWhatWasReadAround) {
  Objects c;
  const std::vector<std::byte> jpeg = read_file(sample("portrait.jpg"));
  const std::size_t size = jpeg.size() - 100;
  std::vector<std::string> told;
  ASSERT_EQ(rf_read_options_new(&c.read_options), RF_OK);
  ASSERT_EQ(rf_read_options_set_warn(
                c.read_options,
                [](const char* line, void* context) {
                  static_cast<std::vector<std::string>*>(context)->emplace_back(line);
                },
                &told),
            RF_OK);
  ASSERT_EQ(rf_image_decode(jpeg.data(), size, "mine", c.read_options, &c.image), RF_OK);
  EXPECT_THAT(told, ElementsAre(StartsWith("mine: ")));
  std::vector<std::string> expected;
  ReadOptions options;
  options.warn = [&](const std::string& line) { expected.push_back(line); };
  decode_image(bytes_of(jpeg.data(), size), options, "mine");
  EXPECT_EQ(told, expected);

  ASSERT_EQ(rf_read_options_set_warn(c.read_options, nullptr, nullptr), RF_OK);
  ASSERT_EQ(rf_image_decode(jpeg.data(), size, "mine", c.read_options, &c.second), RF_OK);
  EXPECT_EQ(told.size(), 1U);
  EXPECT_EQ(rf_read_options_set_warn(nullptr, nullptr, nullptr), RF_INVALID_ARGUMENT);
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

TEST(CInterface, ReadsDecodesCopiesAndWritesImages) {
  const testing::TemporaryFolder folder;
  Objects c;
  const std::string turned = sample("turned.jpg");
  ASSERT_EQ(rf_image_read(turned.c_str(), &c.image), RF_OK) << rf_last_error();
  expect_same(c.image, read_image(turned));

  ASSERT_EQ(rf_read_options_new(&c.read_options), RF_OK);
  ASSERT_EQ(rf_read_options_set_apply_orientation(c.read_options, 0), RF_OK);
  const auto bytes = read_file(turned);
  ASSERT_EQ(rf_image_decode(bytes.data(), bytes.size(), nullptr, c.read_options, &c.second), RF_OK)
      << rf_last_error();
  expect_same(c.second, read_image(turned, {.apply_orientation = false}));
  ASSERT_EQ(rf_read_options_set_max_pixels(c.read_options, 100), RF_OK);
  rf_image* none = nullptr;
  EXPECT_EQ(rf_image_read_with(turned.c_str(), c.read_options, &none), RF_TOO_LARGE);
  EXPECT_EQ(rf_read_options_set_max_pixels(c.read_options, 0), RF_INVALID_ARGUMENT);
  EXPECT_EQ(rf_image_decode(bytes.data(), 30, "mine", nullptr, &none), RF_BAD_DATA);
  EXPECT_THAT(rf_last_error(), StartsWith("mine: "));

  const rf_image_view view = rf_image_get_view(c.image);
  const std::string file = (folder / "a.png").string();
  ASSERT_EQ(rf_image_write(file.c_str(), &view), RF_OK) << rf_last_error();
  expect_same(c.image, read_image(file));
  EXPECT_EQ(rf_image_write((folder / "no/a.png").c_str(), &view), RF_UNWRITABLE);
  EXPECT_EQ(rf_image_write((folder / "a.xyz").c_str(), &view), RF_UNSUPPORTED);
  EXPECT_NE(rf_image_can_write("no/a.JPEG"), 0);
  EXPECT_EQ(rf_image_can_write("a.xyz"), 0);
  EXPECT_EQ(rf_image_can_write(nullptr), 0);

  // Bottom row first, blue first.
  const std::uint8_t pixels[] = {6, 5, 4, 0, 3, 2, 1, 0};
  const rf_image_view bottom_up = {pixels + 4, 1, 2, -4, RF_BGR};
  rf_image* copy = nullptr;
  ASSERT_EQ(rf_image_copy(&bottom_up, &copy), RF_OK) << rf_last_error();
  const rf_image_view rgb = rf_image_get_view(copy);
  EXPECT_EQ(std::vector<int>(rgb.data, rgb.data + 6), (std::vector<int>{1, 2, 3, 4, 5, 6}));
  rf_image_free(copy);
}

TEST(CInterface, AlignsAndBlursFaces) {
  Objects c;
  const Image portrait = read_image(sample("portrait.jpg"));
  ASSERT_EQ(rf_image_read(sample("portrait.jpg").c_str(), &c.image), RF_OK);
  ASSERT_EQ(rf_detector_new(nullptr, &c.detector), RF_OK);
  const rf_image_view view = rf_image_get_view(c.image);
  ASSERT_EQ(rf_detect(c.detector, &view, nullptr, &c.faces), RF_OK);
  const rf_face* const face = rf_faces_data(c.faces);
  ASSERT_NE(face, nullptr);
  ASSERT_EQ(rf_align_face(&view, face->landmarks, &c.second), RF_OK) << rf_last_error();
  expect_same(c.second, align_face(portrait, cpp_of(*face).landmarks));
  rf_image* wide = nullptr;
  ASSERT_EQ(rf_align_face_to(&view, face->landmarks, 224, &wide), RF_OK) << rf_last_error();
  expect_same(wide, align_face(portrait, cpp_of(*face).landmarks, 224));
  EXPECT_EQ(rf_image_get_view(wide).width, 224);
  rf_image_free(wide);
  EXPECT_EQ(rf_align_face_to(&view, face->landmarks, 31, &wide), RF_INVALID_ARGUMENT);

  Image blurred = portrait;
  blur_faces(blurred, std::vector{cpp_of(*face)});
  ASSERT_FALSE(std::equal(blurred.row(0), blurred.row(blurred.height() - 1), portrait.row(0)));
  ASSERT_EQ(rf_blur_faces(c.image, face, 1), RF_OK) << rf_last_error();
  expect_same(c.image, blurred);
  EXPECT_EQ(rf_blur_faces(c.image, nullptr, 1), RF_INVALID_ARGUMENT);
}

TEST(CInterface, BlursAllThatASecondPassFinds) {
  const Image crowd = read_image(testing::sample_folder() / "crowd.webp");
  const Image part = to_rgb(part_of(crowd, 700, 0, 700, 300));
  Objects c;
  const rf_image_view view = {part.row(0), part.width(), part.height(), part.stride(), RF_RGB};
  ASSERT_EQ(rf_image_copy(&view, &c.image), RF_OK);
  ASSERT_EQ(rf_detector_new(nullptr, &c.detector), RF_OK);
  ASSERT_EQ(rf_detect_options_new(&c.options), RF_OK);
  ASSERT_EQ(rf_detect_options_set_min_score(c.options, 0.5F), RF_OK);
  Image blurred = part;
  const std::vector<Face> hidden = blur_found_faces(blurred, Detector(), {.min_score = 0.5F});
  ASSERT_FALSE(hidden.empty());
  ASSERT_EQ(rf_blur_found_faces(c.detector, c.image, c.options, &c.faces), RF_OK)
      << rf_last_error();
  ASSERT_EQ(rf_faces_count(c.faces), hidden.size());
  EXPECT_EQ(rf_faces_data(c.faces)->x0, hidden[0].box.x0);
  expect_same(c.image, blurred);
  EXPECT_EQ(rf_blur_found_faces(c.detector, nullptr, nullptr, nullptr), RF_INVALID_ARGUMENT);
  EXPECT_EQ(rf_blur_found_faces(nullptr, c.image, nullptr, nullptr), RF_INVALID_ARGUMENT);
}

TEST(CInterface, LaysTransparentFramesOnTheBackground) {
  const std::string file = (testing::fixture_folder() / "videos" / "alpha.webm").string();
  Objects c;
  ASSERT_EQ(rf_video_options_new(&c.video_options), RF_OK);
  ASSERT_EQ(rf_video_options_set_background(c.video_options, 0x0AFA78), RF_OK) << rf_last_error();
  EXPECT_EQ(rf_video_options_set_background(c.video_options, 0x1000000), RF_INVALID_ARGUMENT);
  EXPECT_EQ(rf_video_options_set_background(nullptr, 0), RF_INVALID_ARGUMENT);
  ASSERT_EQ(rf_video_open(file.c_str(), c.video_options, &c.video), RF_OK) << rf_last_error();
  int32_t has_frame = 0;
  ASSERT_EQ(rf_video_next(c.video, &has_frame, nullptr, nullptr), RF_OK);
  ASSERT_EQ(rf_video_image(c.video, &c.image), RF_OK);
  VideoReader reader(file, {.background = {0x0A, 0xFA, 0x78}});
  VideoReader on_white(file);
  ASSERT_TRUE(reader.next() && on_white.next());
  const Image expected = reader.image();
  expect_same(c.image, expected);
  const Image white = on_white.image();
  EXPECT_FALSE(std::equal(white.row(0), white.row(white.height() - 1), expected.row(0)));
}

TEST(CInterface, ReadsVideos) {
  const std::string file = (testing::fixture_folder() / "videos" / "bt709.mp4").string();
  Objects c;
  ASSERT_EQ(rf_video_open(file.c_str(), nullptr, &c.video), RF_OK) << rf_last_error();
  VideoReader reader(file);
  EXPECT_EQ(rf_video_frames_per_s(c.video), reader.frames_per_s());
  EXPECT_EQ(rf_video_expected_frames(c.video), reader.expected_frames());
  EXPECT_EQ(rf_video_pixel_aspect(c.video), reader.pixel_aspect());
  EXPECT_EQ(rf_video_image(c.video, &c.image), RF_INVALID_ARGUMENT);  // no frame yet
  int frames = 0;
  std::int32_t has_frame = 0;
  std::int64_t number = -1;
  double time_s = -1;
  while (const auto frame = reader.next()) {
    ASSERT_EQ(rf_video_next(c.video, &has_frame, &number, &time_s), RF_OK) << rf_last_error();
    ASSERT_EQ(has_frame, 1);
    EXPECT_EQ(number, frame->number);
    EXPECT_EQ(time_s, frame->time_s);
    rf_image* image = nullptr;
    ASSERT_EQ(rf_video_image(c.video, &image), RF_OK) << rf_last_error();
    expect_same(image, reader.image());
    rf_image_free(image);
    ++frames;
  }
  EXPECT_GT(frames, 2);
  EXPECT_EQ(rf_video_next(c.video, &has_frame, nullptr, nullptr), RF_OK);
  EXPECT_EQ(has_frame, 0);
  EXPECT_STREQ(rf_video_damage(c.video), "");
}

TEST(CInterface, EndsAVideoThatIsStopped) {
  const std::string file = (testing::fixture_folder() / "videos" / "bt709.mp4").string();
  Objects c;
  ASSERT_EQ(rf_video_open(file.c_str(), nullptr, &c.video), RF_OK) << rf_last_error();
  std::int32_t has_frame = 0;
  ASSERT_EQ(rf_video_next(c.video, &has_frame, nullptr, nullptr), RF_OK);
  EXPECT_EQ(has_frame, 1);
  rf_video_stop(c.video);
  ASSERT_EQ(rf_video_next(c.video, &has_frame, nullptr, nullptr), RF_OK);
  EXPECT_EQ(has_frame, 0);

  ASSERT_EQ(rf_video_options_new(&c.video_options), RF_OK);
  ASSERT_EQ(rf_video_options_set_max_pixels(c.video_options, 1), RF_OK);
  rf_video* none = nullptr;
  EXPECT_EQ(rf_video_open(file.c_str(), c.video_options, &none), RF_TOO_LARGE);
  EXPECT_EQ(rf_video_open("no/such.mp4", nullptr, &none), RF_NOT_FOUND);
}

TEST(CInterface, TracksFaces) {
  Objects c;
  ASSERT_EQ(rf_tracker_options_new(&c.tracker_options), RF_OK);
  ASSERT_EQ(rf_tracker_options_set_min_score(c.tracker_options, 0.5F), RF_OK);
  ASSERT_EQ(rf_tracker_options_set_max_absence(c.tracker_options, 2), RF_OK);
  EXPECT_EQ(rf_tracker_options_set_min_score(c.tracker_options, 2), RF_INVALID_ARGUMENT);
  EXPECT_EQ(rf_tracker_options_set_max_absence(c.tracker_options, -1), RF_INVALID_ARGUMENT);
  ASSERT_EQ(rf_tracker_new(c.tracker_options, &c.tracker), RF_OK);
  const rf_face left = {0.55F, 0, 0, 20, 20, {}};
  const rf_face right = {0.9F, 100, 0, 120, 20, {}};
  const rf_face faint = {0.4F, 50, 50, 70, 70, {}};
  std::array<std::int64_t, 3> tracks{};
  const std::array first = {left, right, faint};
  ASSERT_EQ(rf_tracker_update(c.tracker, first.data(), 3, 0, tracks.data()), RF_OK);
  EXPECT_THAT(tracks, ElementsAre(1, 2, 0));
  const std::array second = {faint, right, left};
  ASSERT_EQ(rf_tracker_update(c.tracker, second.data(), 3, 0.04, tracks.data()), RF_OK);
  EXPECT_THAT(tracks, ElementsAre(0, 2, 1));
  // Away for longer than a second, and more than three frames: a tracker by default begins anew.
  for (int i = 1; i <= 5; ++i) {
    ASSERT_EQ(rf_tracker_update(c.tracker, nullptr, 0, 0.04 + 0.3 * i, nullptr), RF_OK);
  }
  ASSERT_EQ(rf_tracker_update(c.tracker, &left, 1, 1.6, tracks.data()), RF_OK);
  EXPECT_EQ(tracks[0], 1);
  EXPECT_EQ(rf_tracker_update(c.tracker, nullptr, 1, 2, tracks.data()), RF_INVALID_ARGUMENT);
}

TEST(CInterface, GoesOnWhereATrackerHasStopped) {
  Objects c;
  ASSERT_EQ(rf_tracker_new(nullptr, &c.tracker), RF_OK);
  std::array<rf_face, 2> faces = {{{0.9F, 10, 10, 50, 50, {}}, {0.9F, 200, 10, 240, 50, {}}}};
  const std::array<std::int64_t, 2> earlier = {4, 7};
  ASSERT_EQ(rf_tracker_resume(c.tracker, faces.data(), 2, earlier.data(), 1, 30), RF_OK)
      << rf_last_error();
  faces[1] = {0.9F, 400, 300, 440, 340, {}};  // a new one
  std::array<std::int64_t, 2> tracks{};
  ASSERT_EQ(rf_tracker_update(c.tracker, faces.data(), 2, 1.04, tracks.data()), RF_OK);
  EXPECT_THAT(tracks, ElementsAre(4, 31));
  EXPECT_EQ(rf_tracker_resume(c.tracker, faces.data(), 2, nullptr, 2, 0), RF_INVALID_ARGUMENT);
  EXPECT_THAT(rf_last_error(), StartsWith("tracks: "));
  EXPECT_EQ(rf_tracker_resume(c.tracker, nullptr, 2, earlier.data(), 2, 0), RF_INVALID_ARGUMENT);
  EXPECT_EQ(rf_tracker_resume(nullptr, nullptr, 0, nullptr, 2, 0), RF_INVALID_ARGUMENT);
  EXPECT_EQ(rf_tracker_resume(c.tracker, nullptr, 0, nullptr, 2, 0), RF_OK);
}

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
