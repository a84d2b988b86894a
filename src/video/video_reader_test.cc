// Videos of tests/data/videos, whose pixels are known by the formulas of the standards
// (tests/make_video_fixtures.py), and what is no video.

#include "video/video_reader.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <cstdlib>
#include <fstream>
#include <map>
#include <numeric>
#include <random>
#include <set>
#include <string>
#include <thread>
#include <tuple>
#include <vector>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include "image/coded_color.h"
#include "support/testing.h"

namespace retinaface::video {
namespace {

using testing::error_of;
using ::testing::HasSubstr;
using ::testing::Not;

using Pixel = std::array<int, 3>;

constexpr Pixel kRed = {200, 40, 40};
constexpr Pixel kGreen = {40, 180, 60};
constexpr Pixel kBlue = {50, 60, 190};

Pixel gray_of(std::int64_t frame) {
  const int value = 30 + 20 * static_cast<int>(frame);
  return {value, value, value};
}

std::string video(const std::string& name) {
  return (testing::fixture_folder() / "videos" / name).string();
}

std::string content_of(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

/// The color in the middle of a quarter of the image: 0 above left, 1 above right, 2 below left,
/// 3 below right.
Pixel quarter(const Image& image, int which) {
  const int x = image.width() * (which % 2 == 0 ? 1 : 3) / 4;
  const int y = image.height() * (which < 2 ? 1 : 3) / 4;
  const std::uint8_t* const pixel = image.row(y) + 3 * x;
  return {pixel[0], pixel[1], pixel[2]};
}

void expect_colors(const Image& image, const std::array<Pixel, 4>& expected, int tolerance,
                   const std::string& what) {
  for (int which = 0; which < 4; ++which) {
    const Pixel found = quarter(image, which);
    for (std::size_t c = 0; c < 3; ++c) {
      EXPECT_NEAR(found[c], expected[static_cast<std::size_t>(which)][c], tolerance)
          << what << ", quarter " << which << ", channel " << c;
    }
  }
}

struct Case {
  const char* name;
  int tolerance;
};

class VideoColors : public ::testing::TestWithParam<Case> {};

TEST_P(VideoColors, AreThoseOfTheStandardInEveryFrame) {
  VideoReader reader(video(GetParam().name));
  std::int64_t count = 0;
  while (const auto frame = reader.next()) {
    EXPECT_EQ(frame->number, count++);
    const Image image = reader.image();
    ASSERT_EQ(image.width(), 96);
    ASSERT_EQ(image.height(), 64);
    expect_colors(image, {kRed, kGreen, kBlue, gray_of(frame->number)}, GetParam().tolerance,
                  "frame " + std::to_string(frame->number));
  }
  EXPECT_EQ(count, 10);
  EXPECT_EQ(reader.damage(), "");
  EXPECT_EQ(reader.expected_frames(), 10);
  EXPECT_EQ(reader.pixel_aspect(), 1);
}

// Where the codec is lossless, only YCbCr's own rounding is left.
INSTANTIATE_TEST_SUITE_P(Videos, VideoColors,
                         ::testing::Values(Case{"bt709.mp4", 3}, Case{"bt601.mkv", 3},
                                           Case{"full_range.mp4", 3}, Case{"vp9.webm", 3},
                                           Case{"untagged.avi", 5}, Case{"stream.ts", 5}),
                         [](const auto& video_case) {
                           std::string name = video_case.param.name;
                           name.resize(name.find('.'));
                           return name;
                         });

/// A copy of vp9.webm whose header says these primaries and transfer characteristics (Matroska's
/// elements 55BB and 55BA), in a codec whose frames do not.
std::string with_color(const testing::TemporaryFolder& folder, char primaries, char transfer) {
  std::string content = content_of(video("vp9.webm"));
  for (const auto& [mark, value] :
       {std::pair("\x55\xBB\x81", primaries), {"\x55\xBA\x81", transfer}}) {
    const std::size_t at = content.find(mark);
    EXPECT_NE(at, std::string::npos);
    content.at(at + 3) = value;
  }
  std::string path = (folder / "color.webm").string();
  std::ofstream(path, std::ios::binary) << content;
  return path;
}

TEST(VideoReader, BringsWideColorsAndHighDynamicRangeToSrgb) {
  const testing::TemporaryFolder folder;
  for (const auto& [primaries, transfer] : {std::pair(9, 1), {12, 13}, {9, 16}, {9, 18}}) {
    VideoReader reader(
        with_color(folder, static_cast<char>(primaries), static_cast<char>(transfer)));
    ASSERT_TRUE(reader.next());
    const SrgbConversion conversion({.primaries = primaries, .transfer = transfer});
    std::array<Pixel, 4> expected = {kRed, kGreen, kBlue, gray_of(0)};
    for (Pixel& pixel : expected) {
      std::array<std::uint16_t, 3> rgb{};
      for (std::size_t c = 0; c < 3; ++c) rgb[c] = static_cast<std::uint16_t>(pixel[c] * 257);
      std::array<std::uint8_t, 3> srgb{};
      conversion.convert(rgb, srgb);
      pixel = {srgb[0], srgb[1], srgb[2]};
    }
    expect_colors(reader.image(), expected, 12, "transfer " + std::to_string(transfer));
  }
}

TEST(VideoReader, LaysTransparentPixelsOnTheBackground) {
  constexpr Pixel kBackground = {10, 250, 120};
  for (const char* name : {"alpha.mov", "alpha.webm", "alpha_vp8.webm"}) {
    VideoReader reader(video(name), {.background = {10, 250, 120}});
    ASSERT_TRUE(reader.next()) << name;
    expect_colors(reader.image(), {kBackground, kGreen, kBackground, gray_of(0)}, 6, name);
  }
  VideoReader unused(video("unused_alpha.avi"));
  ASSERT_TRUE(unused.next());
  expect_colors(unused.image(), {kRed, kGreen, kBlue, gray_of(0)}, 0, "unused_alpha.avi");
}

TEST(VideoReader, HasNoImageBeforeTheFirstFrameNorAfterTheLast) {
  VideoReader reader(video("bt709.mp4"));
  EXPECT_EQ(error_of([&] { reader.image(); }).code(), ErrorCode::kInvalidArgument);
  while (reader.next()) continue;
  EXPECT_EQ(error_of([&] { reader.image(); }).code(), ErrorCode::kInvalidArgument);
  VideoReader moved = std::move(reader);
  EXPECT_FALSE(moved.next());
}

TEST(VideoReader, TurnsFramesAsTheDisplayMatrixSays) {
  struct Turn {
    const char* name;
    bool exchanges_sides;
    std::array<Pixel, 4> expected;
  };
  const Pixel gray = gray_of(0);
  for (const Turn& turn : {Turn{"turned90.mp4", true, {kBlue, kRed, gray, kGreen}},
                           Turn{"turned180.mp4", false, {gray, kBlue, kGreen, kRed}},
                           Turn{"turned270.mp4", true, {kGreen, gray, kRed, kBlue}},
                           Turn{"mirrored.mp4", false, {kGreen, kRed, gray, kBlue}}}) {
    VideoReader reader(video(turn.name));
    ASSERT_TRUE(reader.next());
    const Image image = reader.image();
    EXPECT_EQ(image.width(), turn.exchanges_sides ? 64 : 96) << turn.name;
    EXPECT_EQ(image.height(), turn.exchanges_sides ? 96 : 64) << turn.name;
    expect_colors(image, turn.expected, 3, turn.name);
  }
}

TEST(VideoReader, KnowsEachFramesTime) {
  VideoReader uneven(video("intervals.mkv"));
  for (const double time : {0, 1, 2, 3, 5, 7, 9, 11, 14, 17}) {
    EXPECT_NEAR(uneven.next()->time_s, time / 25, 1e-6);
  }
  VideoReader television(video("rate.mp4"));
  EXPECT_NEAR(television.frames_per_s(), 30000.0 / 1001, 1e-6);
  for (int n = 0; n < 10; ++n) EXPECT_NEAR(television.next()->time_s, n * 1001 / 30000.0, 1e-4);
  VideoReader late(video("stream.ts"));  // whose clock does not start at 0
  EXPECT_EQ(late.next()->time_s, 0);
  EXPECT_NEAR(late.next()->time_s, 0.04, 1e-6);
}

TEST(VideoReader, LetsTimeGoOnInJoinedTransportStreams) {
  // Of the last three the decoders hold frames back, at the joints too.
  for (const char* name :
       {"stream.ts", "out_of_order.ts", "out_of_order_hevc.ts", "out_of_order_mpeg2.ts"}) {
    SCOPED_TRACE(name);
    const testing::TemporaryFolder folder;
    const std::string path = (folder / "joined.ts").string();
    const std::string part = content_of(video(name));
    std::ofstream(path, std::ios::binary) << part << part << part;
    VideoReader reader(path);
    std::int64_t count = 0;
    while (const auto frame = reader.next()) {
      EXPECT_NEAR(frame->time_s, static_cast<double>(count) / 25, 1e-3);
      ++count;
    }
    EXPECT_EQ(count, 30);
    EXPECT_EQ(reader.missing_frames(), 0);
    EXPECT_EQ(reader.damage(), "");
  }
}

constexpr std::size_t kPacket = 188;  ///< of a transport stream, in bytes
constexpr int kVideoPid = 0x100;

/// The packet of a transport stream that begins a frame.
struct FrameStart {
  std::size_t at;    ///< in bytes
  std::int64_t pts;  ///< ISO/IEC 13818-1, 2.4.3.6
};

std::vector<FrameStart> starts_of_frames(const std::string& stream) {
  std::vector<FrameStart> starts;
  for (std::size_t at = 0; at < stream.size(); at += kPacket) {
    const auto byte = [&](std::size_t i) -> std::int64_t {
      return static_cast<unsigned char>(stream[at + i]);
    };
    const std::int64_t pid = (byte(1) & 0x1F) << 8 | byte(2);
    if (pid != kVideoPid || (byte(1) & 0x40) == 0) continue;
    const bool has_field = (byte(3) & 0x20) != 0;  // of adaptation
    const std::size_t time = 4 + 9 + (has_field ? 1 + static_cast<std::size_t>(byte(4)) : 0);
    const std::int64_t high = byte(time) >> 1 & 7;
    const std::int64_t middle = byte(time + 1) << 7 | byte(time + 2) >> 1;
    const std::int64_t low = byte(time + 3) << 7 | byte(time + 4) >> 1;
    starts.push_back({at, high << 30 | middle << 15 | low});
  }
  return starts;
}

std::vector<Image> images_of(const std::string& path) {
  std::vector<Image> images;
  VideoReader reader(path);
  while (reader.next()) images.push_back(reader.image());
  return images;
}

/// The numbers of frames that are pixel for pixel those of a video, -1 for others.
std::vector<int> numbers_among(const std::vector<Image>& known, const std::string& path) {
  std::vector<int> numbers;
  for (const Image& image : images_of(path)) {
    const auto same = [&](const Image& other) {
      const std::ptrdiff_t bytes = std::ptrdiff_t{image.stride()} * image.height();
      return std::equal(image.row(0), image.row(0) + bytes, other.row(0));
    };
    const auto found = std::ranges::find_if(known, same);
    numbers.push_back(found == known.end() ? -1 : static_cast<int>(found - known.begin()));
  }
  return numbers;
}

TEST(VideoReader, DropsWhatCannotBeDecodedBehindAJoint) {
  // Groups of pictures begin at several frames, in the last two with frames that need the group
  // before.
  for (const char* name : {"out_of_order.ts", "out_of_order_hevc.ts", "out_of_order_mpeg2.ts"}) {
    const std::string part = content_of(video(name));
    const std::vector<Image> known = images_of(video(name));
    ASSERT_EQ(known.size(), 10U);
    const std::vector<FrameStart> starts = starts_of_frames(part);
    ASSERT_EQ(starts.size(), 10U);
    std::set<std::size_t> lengths;  // of what is left of a part that is cut
    for (auto start = starts.begin(); start != starts.end(); ++start) {
      SCOPED_TRACE(fmt::format("{} from byte {}", name, start->at));
      const testing::TemporaryFolder folder;
      const std::string path = (folder / "joined.ts").string();
      std::ofstream(path, std::ios::binary) << part << part.substr(start->at) << part;
      const std::vector<int> numbers = numbers_among(known, path);
      ASSERT_GE(numbers.size(), 20U);
      const std::size_t left = numbers.size() - 20;
      lengths.insert(left);
      // All of the whole parts, in order; and some frames, in order, between.
      std::vector<int> expected(10);
      std::iota(expected.begin(), expected.end(), 0);
      const int first = left > 0 ? numbers[10] : 0;
      ASSERT_GE(first, 0);
      for (int i = 0; i < static_cast<int>(left); ++i) expected.push_back(first + i);
      for (int i = 0; i < 10; ++i) expected.push_back(i);
      EXPECT_EQ(numbers, expected);
      // Those that are dropped take their time.
      const std::int64_t begin =
          std::ranges::min_element(start, starts.end(), {}, &FrameStart::pts)->pts;
      const int dropped = left > 0 ? first - static_cast<int>((begin - starts[0].pts) / 3600) : 0;
      VideoReader reader(path);
      for (int n = 0; const auto frame = reader.next(); ++n) {
        EXPECT_NEAR(frame->time_s, (n + (n < 10 ? 0 : dropped)) / 25.0, 1e-3) << n;
      }
      EXPECT_EQ(reader.damage(), "");
      EXPECT_LE(reader.missing_frames(), starts.end() - start);
      EXPECT_EQ(left == 0 && reader.missing_frames() == 0, false);
    }
    EXPECT_GE(lengths.size(), 3U);
  }
}

TEST(VideoReader, TellsLostPacketsFromAJoint) {
  const testing::TemporaryFolder folder;
  const std::string path = (folder / "lost.ts").string();
  std::string content = content_of(video("stream.ts"));
  const std::size_t middle = content.size() / kPacket / 2 * kPacket;
  std::ofstream(path, std::ios::binary) << content.erase(middle, 3 * kPacket);
  VideoReader reader(path);
  while (reader.next()) continue;
  EXPECT_THAT(reader.damage(), HasSubstr("packets are missing"));
}

/// A transport stream without one of its video's frames, the packets counted anew: as if 16 packets
/// had been lost, or twice as many, by which the count does not break.
std::string without_frame(std::string stream, int frame) {
  std::string kept;
  int count = -1;
  std::map<int, int> lost;  // by stream
  for (std::size_t at = 0; at < stream.size(); at += kPacket) {
    const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(stream[at + i]); };
    const int pid = (byte(1) & 0x1F) << 8 | byte(2);
    const bool is_video = pid == kVideoPid;
    if (is_video && (byte(1) & 0x40) != 0) ++count;  // a frame starts
    if (is_video && count == frame) {
      ++lost[pid];
      continue;
    }
    const int counter = (byte(3) - lost[pid]) & 0x0F;
    stream[at + 3] = static_cast<char>((byte(3) & 0xF0) | counter);
    kept += stream.substr(at, kPacket);
  }
  return kept;
}

TEST(VideoReader, CountsFramesThatAreMissingUnseen) {
  const testing::TemporaryFolder folder;
  const std::string path = (folder / "lost.ts").string();
  const std::string whole = content_of(video("stream.ts"));
  const std::string lacking = without_frame(whole, 8);
  ASSERT_LT(lacking.size(), whole.size());
  for (const auto& [content, frames, missing] :
       {std::tuple(whole, 10, 0), {lacking, 9, 1}, {lacking + whole + lacking, 28, 2}}) {
    std::ofstream(path, std::ios::binary) << content;
    VideoReader reader(path);
    int count = 0;
    while (reader.next()) ++count;
    EXPECT_EQ(count, frames);
    EXPECT_EQ(reader.damage(), "");
    EXPECT_EQ(reader.missing_frames(), missing);
  }
}

TEST(VideoReader, CountsTheFramesThatAnMp4Promises) {
  const testing::TemporaryFolder folder;
  const std::string path = (folder / "spoilt.mp4").string();
  std::string content = content_of(video("bt709.mp4"));
  content.replace(1099, 360, 360, '\xFF');  // its fourth sample, by ffprobe
  std::ofstream(path, std::ios::binary) << content;
  VideoReader reader(path);
  int count = 0;
  while (reader.next()) ++count;
  EXPECT_EQ(count, 9);
  EXPECT_EQ(reader.missing_frames(), 1);
  for (const char* const name : {"bt709.mp4", "rate.mp4", "sound.mp4", "turned90.mp4"}) {
    VideoReader good(video(name));
    while (good.next()) continue;
    EXPECT_EQ(good.missing_frames(), 0) << name;
  }
}

TEST(VideoReader, SaysInOneLineWhatIsNoVideo) {
  const testing::TemporaryFolder folder;
  const auto message = [&](const std::string& name, const std::string& content) {
    std::ofstream(folder / name, std::ios::binary) << content;
    const Error error = error_of([&] { VideoReader reader((folder / name).string()); });
    EXPECT_THAT(error.what(), HasSubstr(name));
    EXPECT_THAT(error.what(), Not(HasSubstr("\n")));
    return std::string(error.what());
  };
  EXPECT_THAT(message("empty.mp4", ""), HasSubstr("it is empty"));
  EXPECT_THAT(message("text.mp4", "Dear diary"), HasSubstr("expected a video"));
  const std::string whole = content_of(video("bt709.mp4"));
  EXPECT_THAT(message("cut.mp4", whole.substr(0, whole.size() / 2)), HasSubstr("expected a video"));
  EXPECT_EQ(error_of([&] { VideoReader reader((folder / "none.mp4").string()); }).code(),
            ErrorCode::kNotFound);
  EXPECT_NE(error_of([&] { VideoReader reader(folder.path().string()); }).what(), std::string());
  EXPECT_THAT(error_of([] { VideoReader reader("/dev/video_none"); }).what(),
              HasSubstr("/dev/video_none: "));
}

TEST(VideoReader, WaitsForNoPipe) {
  const testing::TemporaryFolder folder;
  ASSERT_EQ(::mkfifo((folder / "p.mp4").c_str(), 0600), 0);
  const Error error = error_of([&] { VideoReader reader((folder / "p.mp4").string()); });
  EXPECT_EQ(error.code(), ErrorCode::kUnsupported);
  EXPECT_THAT(error.what(), HasSubstr("found a pipe"));
}

TEST(VideoReader, SaysThatAHostIsNotReached) {
  EXPECT_THAT(error_of([] { VideoReader reader("http://no-such-host.invalid/v.mp4"); }).what(),
              HasSubstr("its host is not known"));
}

TEST(VideoReader, OpensNothingButTheFile) {
  // Lists that libavformat would follow to other files, and to other machines.
  const testing::TemporaryFolder folder;
  for (const std::string& list :
       {"#EXTM3U\n#EXTINF:1,\nfile://" + video("stream.ts") + "\n#EXT-X-ENDLIST\n",
        "#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\n" + video("stream.ts") +
            "\n#EXT-X-ENDLIST\n",
        "ffconcat version 1.0\nfile '" + video("bt709.mp4") + "'\n",
        std::string("v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nt=0 0\n"
                    "m=video 5004 RTP/AVP 96\na=rtpmap:96 H264/90000\n")}) {
    for (const char* name : {"list.m3u8", "list.mp4", "list.ffconcat", "list.sdp"}) {
      std::ofstream(folder / name) << list;
      EXPECT_THAT(error_of([&] { VideoReader reader((folder / name).string()); }).what(),
                  HasSubstr("expected a video"));
    }
  }
}

TEST(VideoReader, RefusesLargeFramesBeforeDecodingThem) {
  EXPECT_EQ(
      error_of([] { VideoReader reader(video("bt709.mp4"), {.max_pixels = 96 * 64 - 1}); }).code(),
      ErrorCode::kTooLarge);
  VideoReader reader(video("bt709.mp4"), {.max_pixels = 96 * 64});
  EXPECT_TRUE(reader.next());
  const testing::TemporaryFolder folder;
  std::ofstream(folder / "bomb.y4m") << "YUV4MPEG2 W60000 H60000 F25:1 C420jpeg\nFRAME\n";
  EXPECT_THAT(error_of([&] { VideoReader bomb((folder / "bomb.y4m").string()); }).what(),
              HasSubstr("bomb.y4m"));
}

TEST(VideoReader, KeepsTheFramesBeforeADamage) {
  const testing::TemporaryFolder folder;
  for (const auto& [name, kept] :
       {std::pair{"bt601.mkv", 0.8}, {"vp9.webm", 0.5}, {"untagged.avi", 0.95}}) {
    const std::string whole = content_of(video(name));
    const std::string path = (folder / name).string();
    std::ofstream(path, std::ios::binary)
        << whole.substr(0, static_cast<std::size_t>(kept * static_cast<double>(whole.size())));
    VideoReader reader(path);
    std::int64_t count = 0;
    while (const auto frame = reader.next()) {
      expect_colors(reader.image(), {kRed, kGreen, kBlue, gray_of(count++)}, 5, name);
    }
    EXPECT_GT(count, 1) << name;
    EXPECT_LT(count, 10) << name;
    EXPECT_THAT(reader.damage(),
                HasSubstr(std::string(name) + ": truncated or corrupt after frame " +
                          std::to_string(count - 1)));
    EXPECT_THAT(reader.damage(), Not(HasSubstr("\n")));
  }
}

TEST(VideoReader, EndsWellWhateverBytesAreChanged) {
  const testing::TemporaryFolder folder;
  const std::string path = (folder / "video").string();
  std::mt19937 random(11);
  int opened = 0;
  for (const char* name : {"bt709.mp4", "bt601.mkv", "vp9.webm", "untagged.avi", "stream.ts"}) {
    const std::string whole = content_of(video(name));
    for (int round = 0; round < 60; ++round) {
      std::string bad = whole;
      for (int i = 0; i < 1 + round / 10; ++i) {
        bad[random() % bad.size()] = static_cast<char>(random());
      }
      if (round % 4 == 0) bad.resize(random() % bad.size());
      std::ofstream(path, std::ios::binary) << bad;
      try {
        VideoReader reader(path, {.max_pixels = 1 << 20});
        ++opened;
        int frames = 0;
        while (reader.next()) {
          reader.image();
          ASSERT_LT(++frames, 1000);
        }
      } catch (const Error& error) {
        EXPECT_THAT(error.what(), HasSubstr(path));
      }
    }
  }
  EXPECT_GT(opened, 50);
}

TEST(VideoReader, BearsAMatrixThatTheStandardLacks) {
  VideoReader reader(video("damaged/strange_matrix.ts"));  // found by the fuzzer; UBSan saw it
  int frames = 0;
  for (; reader.next(); ++frames) EXPECT_FALSE(reader.image().empty());
  EXPECT_GT(frames, 0);
}

TEST(VideoReader, RefusesASizeThatNoVideoHas) {
  EXPECT_EQ(error_of([] { VideoReader reader(video("damaged/absurd_size.mp4")); }).code(),
            ErrorCode::kTooLarge);
}

TEST(VideoReader, StopsWhenItIsTold) {
  std::atomic<bool> stop = false;
  VideoReader reader(video("bt709.mp4"), {.stop = &stop});
  EXPECT_TRUE(reader.next());
  stop = true;
  EXPECT_FALSE(reader.next());
  EXPECT_EQ(reader.damage(), "");
}

TEST(VideoReaderThreads, ReadsSeveralVideosAtOnce) {
  std::vector<std::jthread> threads;
  for (const char* name : {"bt709.mp4", "vp9.webm", "bt601.mkv"}) {
    threads.emplace_back([name] {
      VideoReader reader(video(name));
      int count = 0;
      while (reader.next()) count += reader.image().width() == 96 ? 1 : 0;
      EXPECT_EQ(count, 10);
    });
  }
}

}  // namespace
}  // namespace retinaface::video
