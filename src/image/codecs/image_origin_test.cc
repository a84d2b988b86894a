#include "image/codecs/image_origin.h"

#include <cstdint>
#include <string>

#include <gtest/gtest.h>

#include "retinaface/image.h"

#include "base/file.h"
#include "base/origin_mark.h"
#include "image/codecs/write_options.h"
#include "support/testing.h"

namespace retinaface {
namespace {

std::span<const std::byte> first_of(const std::vector<std::byte>& file) {
  return std::span(file).first(std::min(file.size(), kImageOriginBytes));
}

std::span<const std::byte> last_of(const std::vector<std::byte>& file) {
  return std::span(file).last(std::min(file.size(), kImageOriginBytes));
}

/// An odd size with colors that a lossy format keeps.
Image some_image() {
  Image image(37, 21);
  for (int y = 0; y < image.height(); ++y) {
    for (int x = 0; x < 3 * image.width(); ++x) image.row(y)[x] = static_cast<std::uint8_t>(6 * y);
  }
  return image;
}

TEST(ImageOrigin, IsInWrittenImagesWhichStillDecode) {
  const testing::TemporaryFolder folder;
  for (const char* name : {"a.jpg", "a.png", "a.webp"}) {
    write_image(folder / name, some_image());
    const std::vector<std::byte> file = read_file(folder / name);
    EXPECT_TRUE(has_origin_mark(first_of(file), last_of(file))) << name;
    const Image image = read_image(folder / name);
    ASSERT_EQ(image.width(), 37) << name;
    ASSERT_EQ(image.height(), 21) << name;
    for (int y = 0; y < image.height(); ++y) EXPECT_NEAR(image.row(y)[30], 6 * y, 8) << name;
  }
}

TEST(ImageOrigin, IsNotInOtherImages) {
  for (const char* name : {"portrait.jpg", "crowd.webp", "turned.jpg"}) {
    const std::vector<std::byte> file = read_file(testing::sample_folder() / name);
    EXPECT_FALSE(has_origin_mark(first_of(file), last_of(file))) << name;
  }
  EXPECT_FALSE(has_origin_mark({}, {}));
}

TEST(ImageOrigin, LeavesOtherBytesAlone) {
  const std::string text = "no image";
  const auto bytes = std::as_bytes(std::span(text));
  const std::vector<std::byte> file(bytes.begin(), bytes.end());
  EXPECT_EQ(with_origin_mark(file), file);
}

/// PNG's specification (ISO 15948), annex D.
std::uint32_t crc_of(std::span<const std::byte> bytes) {
  std::uint32_t crc = 0xFFFFFFFFU;
  for (const std::byte byte : bytes) {
    crc ^= std::to_integer<std::uint32_t>(byte);
    for (int bit = 0; bit < 8; ++bit) crc = (crc & 1) != 0 ? 0xEDB88320U ^ (crc >> 1) : crc >> 1;
  }
  return crc ^ 0xFFFFFFFFU;
}

TEST(ImageOrigin, TextOfPngHasItsChecksum) {
  const testing::TemporaryFolder folder;
  write_image(folder / "a.png", some_image());
  const std::vector<std::byte> file = read_file(folder / "a.png");
  constexpr std::size_t kText = 33;
  constexpr std::size_t kLength = 9 + 21 + 11 + 32;
  const auto crc = std::span(file).subspan(kText + 8 + kLength, 4);
  const std::uint32_t expected = crc_of(std::span(file).subspan(kText + 4, 4 + kLength));
  for (std::size_t i = 0; i < 4; ++i) {
    EXPECT_EQ(std::to_integer<std::uint32_t>(crc[i]), expected >> (24 - 8 * i) & 0xFF);
  }
}

/// Programs that edit images keep comments; whatever else changes is seen.
TEST(ImageOrigin, TellsWhetherAnImageIsAsItWasWritten) {
  const testing::TemporaryFolder folder;
  for (const char* name : {"a.jpg", "a.png", "a.webp"}) {
    for (const bool has_notes : {false, true}) {
      const WriteOptions options = {
          .notes = has_notes ? CaptureNotes{.taken = "2026:01:02 03:04:05"} : CaptureNotes{}};
      const Image image = some_image();
      write_image(folder / name, image, options);
      std::vector<std::byte> file = read_file(folder / name);
      EXPECT_TRUE(is_as_marked(file)) << name;
      // Behind the mark, but in WebP, where it is at the end.
      const std::size_t place = name == std::string("a.webp") ? 60 : file.size() - 20;
      file[place] ^= std::byte{4};
      EXPECT_FALSE(is_as_marked(file)) << name;
      EXPECT_TRUE(has_origin_mark(first_of(file), last_of(file))) << name;
      EXPECT_FALSE(is_as_marked(std::span(file).first(file.size() - 1))) << name;
    }
  }
  EXPECT_FALSE(is_as_marked({}));
}

TEST(ImageOrigin, SaysNothingOfChangesWithoutAChecksum) {
  const std::string text = "\xFF\xD8\xFF\xFE" + std::string(1, '\0') +
                           static_cast<char>(kOriginMark.size() + 2) + std::string(kOriginMark) +
                           "\xFF\xD9";
  const auto file = std::as_bytes(std::span(text));
  EXPECT_TRUE(has_origin_mark(file, file));
  EXPECT_FALSE(is_as_marked(file));
}

}  // namespace
}  // namespace retinaface
