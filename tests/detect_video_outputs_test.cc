// The videos that `retinaface detect` writes: faces drawn in or blurred, and the sound.

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "retinaface/retinaface.h"

#include "geometry/box.h"
#include "image/convert.h"
#include "image/resize.h"
#include "support/made_videos.h"
#include "support/testing.h"
#include "video/video_reader.h"
#include "video/video_writer.h"

namespace retinaface {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;
using testing::box_of;
using testing::calm_background;
using testing::CommandResult;
using testing::face_at;
using testing::frame_of;
using ::testing::HasSubstr;
using testing::kFrames;
using testing::kHeight;
using testing::kRate;
using testing::kWidth;
using testing::places;
using testing::still_frame;
using testing::Videos;

/// How much neighbouring pixels differ in the middle of a face.
double detail(const Image& image, const Box& face) {
  const auto whole = [](float value) { return static_cast<int>(value); };
  double sum = 0;
  for (int y = whole(face.y0 + face.height() / 4); y < whole(face.y1 - face.height() / 4); ++y) {
    for (int x = whole(face.x0 + face.width() / 4); x < whole(face.x1 - face.width() / 4); ++x) {
      sum += std::abs(image.row(y)[3 * x] - image.row(y)[3 * x + 3]);
    }
  }
  return sum;
}

TEST_F(Videos, CanBeKeptWithTheirFacesDrawn) {
  const std::vector<json> lines = results("detect video.mp4 --out drawn.mp4 --draw");
  EXPECT_EQ(lines.size(), static_cast<std::size_t>(kFrames));
  video::VideoReader reader((folder_ / "drawn.mp4").string());
  EXPECT_NEAR(reader.frames_per_s(), kRate, 1e-3);
  EXPECT_EQ(reader.expected_frames(), kFrames);
  int boxes = 0;
  while (const auto frame = reader.next()) {
    EXPECT_NEAR(frame->time_s, static_cast<double>(frame->number) / kRate, 1e-3);
    const Image image = reader.image();
    const Image plain = frame_of(static_cast<int>(frame->number));
    for (const json& face : lines[static_cast<std::size_t>(frame->number)]["faces"]) {
      // On the left edge of the box the image has changed, outside of it and its label it has
      // not.
      const Box box = box_of(face);
      const auto change = [&](float x, float y) {
        const int i = 3 * static_cast<int>(x);
        int sum = 0;
        for (int c = 0; c < 3; ++c) {
          sum += std::abs(image.row(static_cast<int>(y))[i + c] -
                          plain.row(static_cast<int>(y))[i + c]);
        }
        return sum;
      };
      const float y = box.center().y;
      if (change(std::round(box.x0), y) > 40) ++boxes;
      EXPECT_LT(change(box.x0 - 8, y), 60);
    }
  }
  std::size_t faces = 0;
  for (const json& line : lines) faces += line["faces"].size();
  EXPECT_GT(boxes, static_cast<int>(faces) * 9 / 10);
}

TEST_F(Videos, CanBeKeptWithoutTheirFaces) {
  // In a folder, under its own name; with every third frame it lasts as long.
  fs::create_directory(folder_ / "in");
  fs::rename(folder_ / "video.mp4", folder_ / "in/video.avi");  // what we read, but do not write
  const std::vector<json> lines =
      results("detect in --out private --blur --every 3 --crops --max-faces 2");
  video::VideoReader reader((folder_ / "private/in/video.avi.mp4").string());
  EXPECT_NEAR(reader.frames_per_s(), kRate / 3, 1e-2);
  int count = 0;
  while (const auto frame = reader.next()) {
    EXPECT_NEAR(frame->time_s, 3 * static_cast<double>(frame->number) / kRate, 1e-3);
    const Image image = reader.image();
    const Image plain = frame_of(3 * static_cast<int>(frame->number));
    for (const json& face : lines[static_cast<std::size_t>(count)]["faces"]) {
      EXPECT_LT(detail(image, box_of(face)), 0.5 * detail(plain, box_of(face)));
    }
    ++count;
  }
  EXPECT_EQ(count, kFrames / 3);
  EXPECT_GT(read_image(folder_ / "private/in/video.avi.faces/000057_1.png").width(), 40);
  EXPECT_FALSE(fs::exists(folder_ / "private/in/video.avi.faces/000058_1.png"));
}

TEST_F(Videos, HideAFaceAlsoWhereItIsFaint) {
  // With its median as the smallest score, the second person is in the results of half the frames.
  std::vector<double> scores;
  const auto second = [](const json& line) -> const json* {
    const Box box = face_at(*places(line["frame"])[1]);
    for (const json& face : line["faces"]) {
      if (iou(box_of(face), box) > 0.4F) return &face;
    }
    return nullptr;
  };
  for (const json& line : results("detect video.mp4")) scores.push_back((*second(line))["score"]);
  std::ranges::nth_element(scores, scores.begin() + kFrames / 2);
  const auto lines = results(
      fmt::format("detect video.mp4 --out b.mp4 --blur --min-score {}", scores[kFrames / 2]));
  video::VideoReader reader((folder_ / "b.mp4").string());
  int sure = 0, faint = 0;
  while (const auto frame = reader.next()) {
    const json& line = lines[static_cast<std::size_t>(frame->number)];
    const bool is_sure = second(line) != nullptr;
    (is_sure ? sure : faint) += 1;
    if (sure == 0) continue;  // no track yet
    const Box box = face_at(*places(line["frame"])[1]);
    EXPECT_LT(detail(reader.image(), box),
              0.5 * detail(frame_of(static_cast<int>(frame->number)), box))
        << frame->number;
  }
  EXPECT_GT(sure, 10);
  EXPECT_GT(faint, 10);
}

TEST_F(Videos, HideFacesBetweenAndBeforeTheFramesThatShowThem) {
  const Image background = calm_background();
  const auto is_shown = [](int frame) { return frame >= 15 && (frame < 25 || frame >= 32); };
  video::VideoWriter writer(folder_ / "gap.mp4", kWidth, kHeight, {.frames_per_s = kRate});
  for (int i = 0; i < 45; ++i) writer.write(still_frame(is_shown(i), background), i / kRate);
  writer.finish();
  const auto lines = results("detect gap.mp4 --out hidden.mp4 --blur");
  video::VideoReader reader((folder_ / "hidden.mp4").string());
  const Box box = face_at({260, 100});
  int count = 0;
  while (const auto frame = reader.next()) {
    const int number = static_cast<int>(frame->number);
    const double before = detail(still_frame(is_shown(number), background), box);
    const double after = detail(reader.image(), box);
    EXPECT_EQ(lines[static_cast<std::size_t>(number)]["faces"].size(), is_shown(number) ? 1U : 0U);
    if (number >= 6) {  // 0.4 s before the first
      EXPECT_LT(after, 0.5 * before) << number;
    } else if (number < 4) {
      EXPECT_GT(after, 0.5 * before) << number;
    }
    ++count;
  }
  EXPECT_EQ(count, 45);
}

/// A pan over the crowd, whose faces have 12 px and more, shrunk so that most have less.
void write_pan(const fs::path& path, int frames) {
  const Image crowd = read_image(testing::sample_folder() / "crowd.webp");
  constexpr int kStep_px = 6;
  const Image small = resize(crowd, crowd.width() * 2 / 3, crowd.height() * 2 / 3);
  video::VideoWriter writer(path, kWidth, kHeight, {.frames_per_s = kRate});
  for (int i = 0; i < frames; ++i) {
    writer.write(resize(part_of(small, kStep_px * i, 0, kWidth, kHeight), kWidth, kHeight),
                 i / kRate);
  }
  writer.finish();
}

TEST_F(Videos, AreBlurredSoThatADetectorThatLooksCloserFindsNothingAgain) {
  write_pan(folder_ / "pan.mp4", 10);
  fs::copy_file(testing::sample_folder() / "crowd.webp", folder_ / "crowd.webp");
  ASSERT_EQ(run("detect pan.mp4 crowd.webp --blur --out blurred").exit_code, 0);
  const auto faces = [&](const std::string& input, const std::string& options) {
    std::size_t count = 0;
    for (const json& line : results("detect " + input + options)) count += line["faces"].size();
    return count;
  };
  for (const std::string options : {"", " --scales 1,2"}) {
    for (const std::string name : {"pan.mp4", "crowd.webp"}) {
      SCOPED_TRACE(name + options);
      const std::size_t before = faces(name, options);
      EXPECT_GT(before, 100U);
      // What the coding of videos makes of a hidden face of few pixels may be one again.
      const double share = name == "pan.mp4" ? 0.01 : 0;
      EXPECT_LE(static_cast<double>(faces("blurred/" + name, options)),
                share * static_cast<double>(before));
    }
  }
}

TEST_F(Videos, KeepTheirSoundUnlessToldOtherwise) {
  fs::copy_file(testing::fixture_folder() / "videos" / "sound.mp4", folder_ / "sound.mp4");
  fs::copy_file(testing::fixture_folder() / "videos" / "sound.avi", folder_ / "sound.avi");
  const auto has_sound = [&](const std::string& name) {
    return content(name).find("mp4a") != std::string::npos;  // how ISO/IEC 14496-14 calls AAC
  };
  ASSERT_TRUE(has_sound("sound.mp4"));
  EXPECT_EQ(run("detect sound.mp4 --blur --out a").exit_code, 0);
  EXPECT_TRUE(has_sound("a/sound.mp4"));
  EXPECT_EQ(run("detect sound.mp4 --draw --no-audio --out b").exit_code, 0);
  EXPECT_FALSE(has_sound("b/sound.mp4"));
  const CommandResult result = run("detect sound.avi --draw --out c");
  EXPECT_EQ(result.exit_code, 0);
  EXPECT_THAT(result.errors, HasSubstr("sound.avi: .mp4 files cannot hold its sound, pcm_u8, which "
                                       "is left out; with --out NAME.mkv it is kept"));
}

}  // namespace
}  // namespace retinaface
