#include "video/video_kind.h"

#include <array>
#include <fstream>
#include <span>
#include <string_view>

#include <gtest/gtest.h>

#include "support/testing.h"

namespace retinaface::video {
namespace {

namespace fs = std::filesystem;

bool content_is_video(const fs::path& path) {
  std::array<char, kVideoMarkBytes> beginning{};
  std::ifstream file(path, std::ios::binary);
  file.read(beginning.data(), beginning.size());
  return is_video(
      std::as_bytes(std::span(beginning)).first(static_cast<std::size_t>(file.gcount())));
}

TEST(VideoKind, TellsVideosFromImagesByTheirContent) {
  int videos = 0;
  for (const auto& entry : fs::directory_iterator(testing::fixture_folder() / "videos")) {
    if (!entry.is_regular_file()) continue;  // damaged ones stand apart
    EXPECT_TRUE(content_is_video(entry.path())) << entry.path();
    EXPECT_TRUE(has_video_name(entry.path())) << entry.path();
    ++videos;
  }
  EXPECT_GE(videos, 10);
  for (const fs::path& folder : {testing::fixture_folder() / "images", testing::sample_folder()}) {
    for (const auto& entry : fs::directory_iterator(folder)) {
      EXPECT_FALSE(content_is_video(entry.path())) << entry.path();
      EXPECT_FALSE(has_video_name(entry.path())) << entry.path();
    }
  }
  EXPECT_FALSE(is_video({}));
}

TEST(VideoKind, TellsRowsOfFramesWithoutAContainer) {
  using namespace std::string_view_literals;
  const auto tells = [](std::string_view text) { return is_video(std::as_bytes(std::span(text))); };
  EXPECT_TRUE(tells("\0\0\0\x01\x67\x64\0"sv));
  EXPECT_TRUE(tells("\0\0\0\x01\x40\x01\x0C"sv));
  EXPECT_TRUE(tells("DKIF\0\0"sv));
  EXPECT_TRUE(tells("nut/multimedia container\0"sv));
  EXPECT_FALSE(tells("\0\0\0\x01\0\0\0"sv));
  for (const char* name : {"a.h264", "a.265", "a.ivf", "a.nut"}) EXPECT_TRUE(has_video_name(name));
}

TEST(VideoKind, KnowsAddressesAndCameras) {
  EXPECT_TRUE(is_stream("rtsp://user:word@camera/live?channel=1"));
  EXPECT_TRUE(is_stream("https://example.org/video.mp4"));
  for (const char* path : {"video.mp4", "a/b://c", "://x", "", "a:b"})
    EXPECT_FALSE(is_stream(path));
  EXPECT_TRUE(is_camera("/dev/video0"));
  EXPECT_FALSE(is_camera("/dev/null"));
  EXPECT_FALSE(is_camera("video.mp4"));
  EXPECT_TRUE(has_video_name("A.MP4"));
}

}  // namespace
}  // namespace retinaface::video
