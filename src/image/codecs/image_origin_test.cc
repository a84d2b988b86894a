#include "image/codecs/image_origin.h"

#include <string>

#include <gtest/gtest.h>

#include "retinaface/image.h"

#include "base/file.h"
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

/// As another program computes it (Python's zlib.crc32).
TEST(ImageOrigin, TextOfPngHasItsChecksum) {
  const testing::TemporaryFolder folder;
  write_image(folder / "a.png", some_image());
  const std::vector<std::byte> file = read_file(folder / "a.png");
  constexpr std::size_t kText = 33;
  constexpr std::size_t kLength = 9 + 21;
  const auto crc = std::span(file).subspan(kText + 8 + kLength, 4);
  const std::vector<std::byte> expected = {std::byte{0xAF}, std::byte{0x0D}, std::byte{0x12},
                                           std::byte{0xD8}};
  EXPECT_EQ(std::vector<std::byte>(crc.begin(), crc.end()), expected);
}

}  // namespace
}  // namespace retinaface
