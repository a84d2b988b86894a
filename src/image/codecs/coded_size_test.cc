#include "image/codecs/coded_size.h"

#include <algorithm>
#include <bitset>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/file.h"
#include "support/testing.h"

namespace retinaface::codecs {
namespace {

using testing::error_of;
using ::testing::HasSubstr;

/// Bits written as text, so that tests read like the specifications' tables.
template <int count>
std::string bits(std::uint64_t value) {
  return std::bitset<count>(value).to_string();
}

/// Exp-Golomb: as many zeros as value + 1 has bits behind its first.
std::string exp_golomb(std::uint64_t value) {
  const std::string text = bits<40>(value + 1);
  const std::string digits = text.substr(text.find('1'));
  return std::string(digits.size() - 1, '0') + digits;
}

/// The bytes of `text`, filled with a one and zeros.
std::vector<std::byte> bytes_of(std::string text) {
  text += '1';
  while (text.size() % 8 != 0) text += '0';
  std::vector<std::byte> bytes;
  for (std::size_t i = 0; i < text.size(); i += 8) {
    bytes.push_back(static_cast<std::byte>(std::stoi(text.substr(i, 8), nullptr, 2)));
  }
  return bytes;
}

std::vector<std::byte> joined(std::vector<std::byte> a, const std::vector<std::byte>& b) {
  a.insert(a.end(), b.begin(), b.end());
  return a;
}

/// An AV1 unit of a type, with its length.
std::vector<std::byte> av1_unit(unsigned type, const std::string& text) {
  const std::vector<std::byte> body = bytes_of(text);
  return joined({static_cast<std::byte>(type << 3 | 2), static_cast<std::byte>(body.size())}, body);
}

constexpr unsigned kSequence = 1;
constexpr unsigned kFrameHeader = 3;
constexpr unsigned kFrame = 6;

/// Behind what says how many bits sides have: 12 and 10.
std::string av1_sides(unsigned width, unsigned height) {
  return bits<4>(12 - 1) + bits<4>(10 - 1) + bits<12>(width - 1) + bits<10>(height - 1);
}

/// Of a single image (reduced_still_picture_header).
std::string still_sequence(unsigned width, unsigned height) {
  return "000"
         "1"
         "1"
         "00000" +
         av1_sides(width, height) +
         "000"
         "000"
         "0"
         "00";
}

/// With all that can stand before the size of a frame: a decoder model, two operating points, the
/// second with a tier, numbers of frames, order hints.
std::string video_sequence(unsigned width, unsigned height) {
  const std::string timing = "1" + bits<32>(1) + bits<32>(25) + "0" /* intervals differ */ + "1" +
                             bits<5>(9) + bits<32>(1) + bits<5>(3) + bits<5>(6);
  const std::string points = "1" + bits<5>(1) +  //
                             bits<12>(1) + bits<5>(3) + "1" + bits<10>(5) + bits<10>(5) + "0" +
                             "1" + bits<4>(2) +  //
                             bits<12>(2) + bits<5>(9) + "1" + "0" + "0";
  const std::string tools = "1" + bits<4>(5) + bits<3>(2) +  // numbers of 7 + 3 bits
                            "000"
                            "0000"
                            "1"
                            "00"
                            "1"
                            "1";
  return "000"
         "0"
         "0" +
         timing + points + av1_sides(width, height) + tools;
}

/// A frame that says whether it has a size of its own: a key frame that is shown, and one that
/// continues and is not.
std::string key_frame(bool own_size) {
  return "0"
         "00"
         "1" +
         bits<7>(0) +
         "0"
         "1"
         "1" +
         bits<10>(77) + (own_size ? "1" : "0") + "0000";
}
std::string hidden_frame(bool own_size) {
  return "0"
         "01"
         "0"
         "1"
         "1"
         "0"
         "0" +
         bits<10>(77) + (own_size ? "1" : "0") + "0000";
}

std::string text_of(const CodedSize& size) {
  return std::to_string(size.width) + "x" + std::to_string(size.height);
}

TEST(CodedSize, OfAnAv1ImageStandsInItsSequence) {
  EXPECT_EQ(text_of(av1_coded_size(av1_unit(kSequence, still_sequence(4000, 1000)))), "4000x1000");
  // With an extension, behind a unit of another kind, without a length.
  std::vector<std::byte> stream = {std::byte{2 << 3 | 2}, std::byte{0}, std::byte{1 << 3 | 4},
                                   std::byte{0}};
  EXPECT_EQ(text_of(av1_coded_size(joined(stream, bytes_of(still_sequence(7, 9))))), "7x9");
  EXPECT_EQ(text_of(av1_coded_size({})), "0x0");
}

TEST(CodedSize, OfAnAv1FrameWithASizeOfItsOwnIsTheMostItCanState) {
  const std::vector<std::byte> sequence = av1_unit(kSequence, video_sequence(300, 200));
  EXPECT_EQ(text_of(av1_coded_size(sequence)), "300x200");
  for (const unsigned type : {kFrame, kFrameHeader}) {
    for (const auto& frame : {key_frame, hidden_frame}) {
      const auto with = [&](bool own_size) {
        return text_of(av1_coded_size(joined(sequence, av1_unit(type, frame(own_size)))));
      };
      EXPECT_EQ(with(false), "300x200");
      EXPECT_EQ(with(true), "4096x1024");
    }
  }
}

TEST(CodedSize, OfSeveralSequencesIsTheOneOfMostPixels) {
  const auto wide = av1_unit(kSequence, still_sequence(4000, 10));
  const auto square = av1_unit(kSequence, still_sequence(300, 300));
  EXPECT_EQ(text_of(av1_coded_size(joined(wide, square))), "300x300");
  EXPECT_EQ(text_of(av1_coded_size(joined(square, wide))), "300x300");
}

/// The parameter set of an HEVC image, after its length. No byte of it needs an escape but those
/// of the profile, which get one.
std::vector<std::byte> hevc_unit(const std::string& text) {
  std::vector<std::byte> escaped;
  int zeros = 0;
  for (const std::byte value : bytes_of(bits<16>(33 << 9 | 1) + text)) {
    if (zeros == 2 && value <= std::byte{3}) {
      escaped.push_back(std::byte{3});
      zeros = 0;
    }
    zeros = value == std::byte{0} ? zeros + 1 : 0;
    escaped.push_back(value);
  }
  return joined({std::byte{0}, std::byte{0}, std::byte{0}, static_cast<std::byte>(escaped.size())},
                escaped);
}

std::string hevc_parameters(unsigned chroma, std::uint64_t width, std::uint64_t height) {
  return bits<4>(0) + bits<3>(0) + "1" + std::string(88, '0') + bits<8>(30) + exp_golomb(0) +
         exp_golomb(chroma) + (chroma == 3 ? "0" : "") + exp_golomb(width) + exp_golomb(height) +
         std::string(40, '1');
}

TEST(CodedSize, OfAnHevcImageStandsInItsParameters) {
  EXPECT_EQ(text_of(hevc_coded_size(hevc_unit(hevc_parameters(1, 4096, 2176)))), "4096x2176");
  EXPECT_EQ(text_of(hevc_coded_size(hevc_unit(hevc_parameters(3, 65, 8000)))), "65x8000");
  // Two layers in time, the first with a profile and a level, the second with a level.
  const std::string layers =
      "11"
      "01" +
      bits<12>(0) + std::string(88 + 8 + 8, '0');
  const std::string two = bits<4>(0) + bits<3>(2) + "1" + std::string(96, '0') + layers +
                          exp_golomb(5) + exp_golomb(0) + exp_golomb(640) + exp_golomb(480);
  EXPECT_EQ(text_of(hevc_coded_size(hevc_unit(two))), "640x480");
  EXPECT_EQ(text_of(hevc_coded_size(hevc_unit(hevc_parameters(1, 4000000000, 2)))), "2147483647x2");
}

TEST(CodedSize, OfWhatIsCutShortIsNoCrash) {
  const auto av1 =
      joined(av1_unit(kSequence, video_sequence(300, 200)), av1_unit(kFrame, key_frame(true)));
  const auto hevc = hevc_unit(hevc_parameters(1, 640, 480));
  for (std::size_t size = 0; size < av1.size(); ++size) {
    EXPECT_LE(av1_coded_size(Bytes(av1).first(size)).width, 4096);
  }
  for (std::size_t size = 0; size < hevc.size(); ++size) {
    EXPECT_LE(hevc_coded_size(Bytes(hevc).first(size)).height, 480);
  }
}

// ---- in files

/// A fixture whose coded stream, the last thing in the file, begins with `front` instead of its
/// first `cut` bytes.
std::vector<std::byte> with_stream_front(const std::string& name, std::size_t cut,
                                         const std::vector<std::byte>& front) {
  const std::vector<std::byte> file = read_file(testing::fixture_folder() / "images" / name);
  const auto find = [&](const std::vector<std::byte>& text) {
    return static_cast<std::size_t>(std::ranges::search(file, text).begin() - file.begin());
  };
  const auto number = [](std::size_t value) {
    return std::vector{static_cast<std::byte>(value >> 8), static_cast<std::byte>(value)};
  };
  const std::vector<std::byte> box = {std::byte{'m'}, std::byte{'d'}, std::byte{'a'},
                                      std::byte{'t'}};
  const std::size_t begin = find(box) + box.size();
  const std::size_t length = file.size() - begin;
  const std::size_t new_length = length + front.size() - cut;
  std::vector<std::byte> changed(file.begin(), file.begin() + static_cast<std::ptrdiff_t>(begin));
  const auto put = [&](std::size_t at, std::size_t value) {
    std::ranges::copy(number(value), changed.begin() + static_cast<std::ptrdiff_t>(at));
  };
  put(find(number(length)), new_length);  // in box iloc
  put(begin - 6, new_length + 8);         // of box mdat
  changed.insert(changed.end(), front.begin(), front.end());
  changed.insert(changed.end(), file.begin() + static_cast<std::ptrdiff_t>(begin + cut),
                 file.end());
  return changed;
}

constexpr std::size_t kAvifFront =
    12;  ///< bytes of plain.avif's stream: the units of time and sequence

void expect_too_large(const std::vector<std::byte>& file, const std::string& size) {
  constexpr std::int64_t kMaxPixels = 10'000'000;
  const Error error =
      error_of([&] { decode_image(file, {.max_pixels = kMaxPixels}, "small.heif"); });
  EXPECT_EQ(error.code(), ErrorCode::kTooLarge) << error.what();
  EXPECT_THAT(error.what(), HasSubstr("small.heif: " + size + " pixels, more than the"));
}

/// Of an image of 21x14, in profile 1 (4:4:4).
TEST(CodedSize, OfAnAvifIsHeldToTheLimit) {
  const std::string sequence =
      "001"
      "1"
      "1"
      "00010" +
      bits<4>(15) + bits<4>(15) + bits<16>(40000 - 1) + bits<16>(2000 - 1) +
      "110"
      "011"
      "0"
      "10";
  expect_too_large(with_stream_front("plain.avif", kAvifFront, av1_unit(kSequence, sequence)),
                   "40000x2000");
}

void expect_no_size(const std::vector<std::byte>& file) {
  const Error error = error_of([&] { decode_image(file, {}, "no_size.heif"); });
  EXPECT_EQ(error.code(), ErrorCode::kBadData);
  EXPECT_THAT(error.what(), HasSubstr("its data state no size of an image"));
}

TEST(CodedSize, OfAStreamThatStatesNoneIsMissed) {
  expect_no_size(with_stream_front("plain.avif", kAvifFront, {}));
  std::vector<std::byte> heic = read_file(testing::fixture_folder() / "images" / "plain.heic");
  const std::vector<std::byte> parameters = {std::byte{33 << 1}, std::byte{1}, std::byte{1}};
  const auto place = std::ranges::search(heic, parameters).begin();
  ASSERT_NE(place, heic.end());
  *place = std::byte{39 << 1};  // a unit of another kind
  expect_no_size(heic);
}

TEST(CodedSize, OfAHeicIsHeldToTheLimit) {
  expect_too_large(with_stream_front("plain.heic", 0, hevc_unit(hevc_parameters(1, 30000, 3000))),
                   "30000x3000");
}

/// An image put together of tiles says a third time how large it is (box idat).
TEST(CodedSize, OfAHeicOfTilesIsHeldToTheLimit) {
  std::vector<std::byte> file = read_file(testing::fixture_folder() / "images" / "plain.heic");
  const std::vector<std::byte> stated = {std::byte{0}, std::byte{0},  std::byte{0}, std::byte{0},
                                         std::byte{0}, std::byte{21}, std::byte{0}, std::byte{14}};
  const auto place = std::ranges::search(file, stated).begin();
  ASSERT_NE(place, file.end());
  std::ranges::copy(std::vector{std::byte{0x2E}, std::byte{0xE0}, std::byte{0x0B}, std::byte{0xB8}},
                    place + 4);
  expect_too_large(file, "12000x3000");
}

}  // namespace
}  // namespace retinaface::codecs
