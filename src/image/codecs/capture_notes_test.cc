#include "image/codecs/capture_notes.h"

#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "base/file.h"
#include "image/codecs/decoded_image.h"
#include "image/codecs/write_options.h"
#include "support/testing.h"

namespace retinaface {
namespace {

std::vector<std::byte> bytes_of(const std::string& text) {
  const auto bytes = std::as_bytes(std::span(text));
  return {bytes.begin(), bytes.end()};
}

const CaptureNotes kNotes = {.taken = "2024:05:01 12:34:56",
                             .offset = "-03:30",
                             .fraction = "5",
                             .artist = "A",
                             .copyright = std::string("photographer\0editor", 19)};

TEST(CaptureNotes, ComeBackFromWrittenImages) {
  const Image black(31, 17);
  for (const char* name : {"a.jpg", "a.png", "a.webp"}) {
    const std::vector<std::byte> file = encode_image(name, black, {.notes = kNotes});
    const DecodedImage decoded = decode_image(file, {}, name, 1);
    EXPECT_EQ(decoded.image.width(), 31) << name;
    EXPECT_EQ(decoded.notes, kNotes) << name;
  }
}

/// Worked by hand after EXIF 2.32: big-endian, one entry, Copyright (0x8298), ASCII, six bytes.
TEST(CaptureNotes, AreReadFromABlockOfAnotherProgram) {
  const std::string block(
      "MM\0\x2A\0\0\0\x08\0\x01\x82\x98\0\x02\0\0\0\x06\0\0\0\x1A\0\0\0\0Me, I\0", 32);
  EXPECT_EQ(capture_notes(bytes_of(block)).copyright, "Me, I");
  EXPECT_EQ(capture_notes(bytes_of(std::string("Exif\0\0", 6) + block)).copyright, "Me, I");
  EXPECT_TRUE(capture_notes(bytes_of(block.substr(0, 20))).empty());
  EXPECT_TRUE(capture_notes(bytes_of("no block at all")).empty());
}

TEST(CaptureNotes, ThatAreTooLongAreLeftOut) {
  const CaptureNotes notes = {.artist = "A", .copyright = std::string(70000, 'c')};
  const Image black(31, 17);
  const std::vector<std::byte> file = encode_image("a.jpg", black, {.notes = notes});
  EXPECT_EQ(decode_image(file, {}, "a.jpg", 1).notes, CaptureNotes{.artist = "A"});
}

}  // namespace
}  // namespace retinaface
