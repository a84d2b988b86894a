#include <algorithm>
#include <array>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/file.h"
#include "c_interface/testing.h"
#include "image/convert.h"
#include "support/testing.h"

namespace retinaface {
namespace {

using testing::cpp_of;
using ::testing::ElementsAre;
using testing::expect_same;
using testing::Objects;
using testing::sample;
using ::testing::StartsWith;

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

}  // namespace
}  // namespace retinaface
