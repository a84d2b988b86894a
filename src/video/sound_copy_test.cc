// What was copied is read again by libavformat itself.

#include "video/sound_copy.h"

#include <cstdint>
#include <fstream>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support/testing.h"
#include "video/video_writer.h"

namespace retinaface::video {
namespace {

namespace fs = std::filesystem;
using ::testing::ElementsAre;
using testing::error_of;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr double kFrame_s = 0.04;  // of the fixtures
constexpr double kAacPacket_s = 1024 / 16000.0;

fs::path fixture(const std::string& name) {
  return testing::fixture_folder() / "videos" / name;
}

struct Packet {
  std::string bytes;
  double time_s;
};

struct Sound {
  std::vector<Packet> packets;
  std::string language;
  double images_begin_s = 0;
};

/// A video's only sound stream.
Sound sound_of(const fs::path& path) {
  const Libav& av = Libav::get("test");
  InputContext input(nullptr, CloseInput{&av});
  EXPECT_GE(open_file(av, path.string(), av.avformat_alloc_context(), input), 0) << path;
  EXPECT_GE(av.avformat_find_stream_info(input.get(), nullptr), 0) << path;
  const int index = av.av_find_best_stream(input.get(), AVMEDIA_TYPE_AUDIO, -1, -1, nullptr, 0);
  const int images = av.av_find_best_stream(input.get(), AVMEDIA_TYPE_VIDEO, -1, -1, nullptr, 0);
  Sound sound;
  const AVStream& video = *input->streams[images];
  sound.images_begin_s = static_cast<double>(video.start_time) * av_q2d(video.time_base);
  if (index < 0) return sound;
  const AVStream& stream = *input->streams[index];
  if (const auto* const language = av.av_dict_get(stream.metadata, "language", nullptr, 0)) {
    sound.language = language->value;
  }
  const Owned<AVPacket> packet = owned(av, av.av_packet_alloc());
  while (av.av_read_frame(input.get(), packet.get()) >= 0) {
    if (packet->stream_index == index) {
      sound.packets.push_back(
          {{reinterpret_cast<const char*>(packet->data), static_cast<std::size_t>(packet->size)},
           static_cast<double>(packet->pts) * av_q2d(stream.time_base)});
    }
    av.av_packet_unref(packet.get());
  }
  return sound;
}

/// Writes a video with the sound of another one and as many images as are asked for; returns what
/// was left out.
std::vector<std::string> write(const fs::path& path, const fs::path& sound, int images,
                               VideoWriter::SoundEnd end) {
  VideoWriter writer(path, 96, 64, {.frames_per_s = 25, .sound_from = sound.string()});
  for (int n = 0; n < images; ++n) writer.write(Image(96, 64), n * kFrame_s);
  writer.finish(end);
  return writer.sound_left_out();
}

TEST(SoundCopy, KeepsPacketsAndTheirTimes) {
  const testing::TemporaryFolder folder;
  const Sound before = sound_of(fixture("sound.mp4"));
  ASSERT_GT(before.packets.size(), 8U);
  for (const char* name : {"a.mp4", "a.mkv", "a.mov"}) {
    const auto left_out =
        write(folder / name, fixture("sound.mp4"), 10, VideoWriter::SoundEnd::kByItself);
    EXPECT_THAT(left_out, IsEmpty()) << name;
    const Sound after = sound_of(folder / name);
    // QuickTime has numbers for languages, and none for this name of German.
    EXPECT_EQ(after.language, fs::path(name).extension() == ".mov" ? "" : "deu") << name;
    ASSERT_EQ(after.packets.size(), before.packets.size()) << name;
    for (std::size_t i = 0; i < before.packets.size(); ++i) {
      EXPECT_EQ(after.packets[i].bytes, before.packets[i].bytes) << name << i;
      EXPECT_NEAR(after.packets[i].time_s - after.images_begin_s,
                  before.packets[i].time_s - before.images_begin_s, 2e-3)
          << name << i;
    }
  }
}

TEST(SoundCopy, EndsWithTheLastImageOfAVideoThatIsCutOff) {
  const testing::TemporaryFolder folder;
  const auto path = folder / "a.mp4";
  write(path, fixture("sound.mp4"), 5, VideoWriter::SoundEnd::kWithLastImage);
  const Sound sound = sound_of(path);
  ASSERT_FALSE(sound.packets.empty());
  EXPECT_LT(sound.packets.back().time_s, 5 * kFrame_s);
  EXPECT_GE(sound.packets.back().time_s, 5 * kFrame_s - kAacPacket_s - 1e-3);
}

TEST(SoundCopy, SaysWhatTheContainerCannotHold) {
  const testing::TemporaryFolder folder;
  const fs::path from = fixture("sound.avi");
  constexpr auto kEnd = VideoWriter::SoundEnd::kByItself;
  EXPECT_THAT(write(folder / "a.mp4", from, 3, kEnd), ElementsAre("pcm_u8"));
  EXPECT_THAT(sound_of(folder / "a.mp4").packets, IsEmpty());
  EXPECT_THAT(write(folder / "a.mkv", from, 3, kEnd), IsEmpty());
  EXPECT_FALSE(sound_of(folder / "a.mkv").packets.empty());
  EXPECT_THAT(error_of([&] { write(folder / "a.mp4", folder / "none.mp4", 1, kEnd); }).what(),
              HasSubstr("none.mp4: its sound cannot be read"));
}

TEST(SoundCopy, GoesOnWhereTransportStreamsAreJoined) {
  const testing::TemporaryFolder folder;
  {
    std::ofstream joined(folder / "joined.ts", std::ios::binary);
    for (int i = 0; i < 2; ++i) {
      joined << std::ifstream(fixture("sound.ts"), std::ios::binary).rdbuf();
    }
  }
  const std::size_t packets = sound_of(fixture("sound.ts")).packets.size();
  write(folder / "a.mp4", folder / "joined.ts", 20, VideoWriter::SoundEnd::kByItself);
  const Sound sound = sound_of(folder / "a.mp4");
  EXPECT_EQ(sound.packets.size(), 2 * packets);
  EXPECT_NEAR(sound.packets.back().time_s, 1.2, 0.1);
  for (std::size_t i = 1; i < sound.packets.size(); ++i) {
    EXPECT_LT(sound.packets[i].time_s - sound.packets[i - 1].time_s, 0.1) << i;
  }
}

}  // namespace
}  // namespace retinaface::video
