#include <algorithm>
#include <array>
#include <cstdint>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "c_interface/testing.h"
#include "support/testing.h"

namespace retinaface {
namespace {

using ::testing::ElementsAre;
using testing::expect_same;
using testing::Objects;
using ::testing::StartsWith;

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

}  // namespace
}  // namespace retinaface
