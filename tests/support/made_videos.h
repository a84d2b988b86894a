#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "retinaface/retinaface.h"

#include "image/convert.h"
#include "image/resize.h"
#include "support/program_folder.h"
#include "support/testing.h"
#include "video/video_writer.h"

// Videos in which sample faces move along known paths.
namespace retinaface::testing {

inline constexpr int kWidth = 640;
inline constexpr int kHeight = 360;
inline constexpr int kFrames = 60;
inline constexpr double kRate = 25;
inline constexpr int kPatch = 110;
// In the portrait: the part that is pasted, and the face in it (samples/make_samples.py).
inline constexpr int kPartX = 120, kPartY = 10, kPart = 210;
inline constexpr Box kFace = {177, 58, 271, 178};

/// Where the patch of each person is in a frame; nothing where it is not seen. The first is hidden
/// for six frames, the third comes and goes.
inline std::vector<std::optional<Point>> places(int frame) {
  const auto t = static_cast<float>(frame);
  std::vector<std::optional<Point>> result(3);
  if (frame < 25 || frame > 30) result[0] = {10 + 8 * t, 5};
  result[1] = {510 - 8 * t, 125};
  if (frame >= 20 && frame < 45) result[2] = {300 + 2 * t, 245};
  return result;
}

/// The face of a patch there.
inline Box face_at(const Point& place) {
  constexpr float kScale = static_cast<float>(kPatch) / kPart;
  return {std::floor(place.x) + (kFace.x0 - kPartX) * kScale,
          std::floor(place.y) + (kFace.y0 - kPartY) * kScale,
          std::floor(place.x) + (kFace.x1 - kPartX) * kScale,
          std::floor(place.y) + (kFace.y1 - kPartY) * kScale};
}

inline Image patch() {
  static const Image portrait = read_image(sample_folder() / "portrait.jpg");
  return resize(part_of(portrait, kPartX, kPartY, kPart, kPart), kPatch, kPatch);
}

inline Image calm_background() {
  Image image(kWidth, kHeight);
  for (int y = 0; y < kHeight; ++y) {
    for (int i = 0; i < 3 * kWidth; ++i) {
      image.row(y)[i] = static_cast<std::uint8_t>(120 + y / 8 + i % 3 * 10);
    }
  }
  return image;
}

/// A calm background and whoever is there.
inline Image frame_of(int frame) {
  static const Image person = patch();
  Image image = calm_background();
  for (const auto& place : places(frame)) {
    if (!place) continue;
    for (int y = 0; y < kPatch; ++y) {
      std::copy_n(person.row(y), 3 * kPatch,
                  image.row(static_cast<int>(place->y) + y) + 3 * static_cast<int>(place->x));
    }
  }
  return image;
}

/// So many frames, of frame_of(0) and so on, after kFrames from the first again.
inline void write_video(const std::filesystem::path& path, int frames) {
  video::VideoWriter writer(path, kWidth, kHeight, {.frames_per_s = kRate});
  for (int i = 0; i < frames; ++i) writer.write(frame_of(i % kFrames), i / kRate);
  writer.finish();
}

/// video.mp4, of kFrames such frames, and portrait.jpg, in a folder of its own for each test.
class Videos : public ProgramFolder {
 protected:
  static void SetUpTestSuite() {
    shared_ = std::make_unique<TemporaryFolder>();
    write_video(*shared_ / "video.mp4", kFrames);
  }
  static void TearDownTestSuite() { shared_.reset(); }

  Videos() {
    std::filesystem::copy_file(*shared_ / "video.mp4", folder_ / "video.mp4");
    std::filesystem::copy_file(sample_folder() / "portrait.jpg", folder_ / "portrait.jpg");
  }

  std::vector<nlohmann::json> results(const std::string& command) const {
    const CommandResult result = run(command);
    EXPECT_EQ(result.exit_code, 0) << result.errors;
    std::vector<nlohmann::json> lines;
    for (const std::string& line : lines_of(result.output))
      lines.push_back(nlohmann::json::parse(line));
    return lines;
  }

  static inline std::unique_ptr<TemporaryFolder> shared_;
};

/// That of a face in the results.
inline Box box_of(const nlohmann::json& face) {
  const auto box = face["box"].get<std::vector<float>>();
  return {box[0], box[1], box[2], box[3]};
}

/// A video of the portrait's person at rest. Where it is not shown there is noise, which nobody is
/// found in.
inline Image still_frame(bool is_shown, const Image& background) {
  Image image = background;
  static const Image person = patch();
  for (int y = 0; y < kPatch; ++y) {
    std::uint8_t* const row = image.row(100 + y) + 3 * 260;
    for (int i = 0; i < 3 * kPatch; ++i) {
      row[i] = is_shown ? person.row(y)[i] : static_cast<std::uint8_t>((y * 37 + i * 101) % 251);
    }
  }
  return image;
}

}  // namespace retinaface::testing
