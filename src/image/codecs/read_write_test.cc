#include <cmath>
#include <cstdint>
#include <string>
#include <vector>

#include <sys/stat.h>
#include <unistd.h>

#include "retinaface/image.h"

#include "base/file.h"
#include "support/testing.h"

namespace retinaface {
namespace {

using testing::error_of;
using ::testing::HasSubstr;
using ::testing::Not;
using testing::TemporaryFolder;

std::vector<int> pixels_of(const Image& image) {
  return {image.row(0), image.row(0) + image.stride() * image.height()};
}

/// Every pixel differs from its neighbours, smoothly enough for lossy formats.
Image gradient(int width, int height) {
  Image image(width, height);
  for (int y = 0; y < height; ++y) {
    for (int x = 0; x < width; ++x) {
      std::uint8_t* pixel = image.row(y) + 3 * x;
      pixel[0] = static_cast<std::uint8_t>(40 + 160 * x / width);
      pixel[1] = static_cast<std::uint8_t>(220 - 180 * y / height);
      pixel[2] = static_cast<std::uint8_t>(60 + 90 * (x + y) / (width + height));
    }
  }
  return image;
}

int largest_difference(const Image& a, const Image& b) {
  const std::vector<int> left = pixels_of(a);
  const std::vector<int> right = pixels_of(b);
  EXPECT_EQ(left.size(), right.size());
  int largest = 0;
  for (std::size_t i = 0; i < left.size(); ++i)
    largest = std::max(largest, std::abs(left[i] - right[i]));
  return largest;
}

TEST(WriteImage, LosslessFormatsKeepEveryPixel) {
  const TemporaryFolder folder;
  for (const auto& [width, height] : {std::pair{1, 1}, {1, 7}, {13, 1}, {37, 29}}) {
    const Image image = gradient(width, height);
    write_image(folder / "image.PNG", image);
    EXPECT_EQ(pixels_of(read_image(folder / "image.PNG")), pixels_of(image));
  }
}

TEST(WriteImage, LossyFormatsStayClose) {
  const TemporaryFolder folder;
  const Image image = gradient(61, 47);
  for (const char* name : {"a.jpg", "a.JPEG", "a.webp"}) {
    write_image(folder / name, image);
    EXPECT_LE(largest_difference(read_image(folder / name), image), 8) << name;
  }
}

TEST(WriteImage, TakesAnyPixelFormat) {
  const TemporaryFolder folder;
  const std::vector<std::uint8_t> bgra = {3, 2, 1, 0, 6, 5, 4, 0};
  write_image(folder / "a.png", {bgra.data(), 2, 1, 8, PixelFormat::kBgra});
  EXPECT_EQ(pixels_of(read_image(folder / "a.png")), (std::vector<int>{1, 2, 3, 4, 5, 6}));
}

TEST(WriteImage, SaysWhatItCannotDo) {
  const TemporaryFolder folder;
  const Image image = gradient(4, 4);
  const Error gif = error_of([&] { write_image(folder / "a.gif", image); });
  EXPECT_EQ(gif.code(), ErrorCode::kUnsupported);
  EXPECT_THAT(gif.what(), HasSubstr("a.gif: expected a name that ends in"));
  EXPECT_EQ(error_of([&] { write_image(folder / "none", image); }).code(), ErrorCode::kUnsupported);
  EXPECT_EQ(error_of([&] { write_image(folder / "no/a.png", image); }).code(),
            ErrorCode::kUnwritable);
  EXPECT_EQ(error_of([&] { write_image(folder / "a.png", Image()); }).code(),
            ErrorCode::kInvalidArgument);
  const Error wide = error_of([&] { write_image(folder / "a.jpg", Image(65536, 1)); });
  EXPECT_EQ(wide.code(), ErrorCode::kUnsupported);
  EXPECT_THAT(wide.what(), HasSubstr("65536x1"));
  EXPECT_TRUE(std::filesystem::is_empty(folder.path()));
}

TEST(ReadImage, NamesTheFileAndWhatIsWrong) {
  const TemporaryFolder folder;
  const auto error_for = [&](const std::string& name, const std::string& content) {
    write_file_atomically(folder / name, content);
    return error_of([&] { read_image(folder / name); });
  };
  const Error empty = error_for("empty.jpg", "");
  EXPECT_EQ(empty.code(), ErrorCode::kBadData);
  EXPECT_THAT(empty.what(), HasSubstr("empty.jpg: expected an image, found nothing"));
  const Error text = error_for("text.jpg", "once upon a time");
  EXPECT_EQ(text.code(), ErrorCode::kUnsupported);
  EXPECT_THAT(text.what(), HasSubstr("text.jpg: expected JPEG"));
  EXPECT_THAT(text.what(), HasSubstr("\"once upon a \""));
  EXPECT_THAT(error_for("bytes.jpg", "\x01\x02z").what(), HasSubstr("bytes 01 02 7a"));
  const Error newline = error_for("new\nline", "x");
  EXPECT_THAT(newline.what(), HasSubstr("new\\x0aline: "));
  EXPECT_THAT(newline.what(), Not(HasSubstr("\n")));

  EXPECT_EQ(error_of([&] { read_image(folder / "none.jpg"); }).code(), ErrorCode::kNotFound);
  const Error directory = error_of([&] { read_image(folder.path()); });
  EXPECT_EQ(directory.code(), ErrorCode::kUnreadable);
  EXPECT_THAT(directory.what(), HasSubstr("found a folder"));
  if (::geteuid() != 0) {
    ::chmod((folder / "text.jpg").c_str(), 0);
    EXPECT_EQ(error_of([&] { read_image(folder / "text.jpg"); }).code(), ErrorCode::kUnreadable);
  }
}

TEST(ReadImage, TellsFormatsByContent) {
  const TemporaryFolder folder;
  const Image image = gradient(9, 5);
  write_image(folder / "a.png", image);
  std::filesystem::rename(folder / "a.png", folder / "a.jpg");
  EXPECT_EQ(pixels_of(read_image(folder / "a.jpg")), pixels_of(image));
}

TEST(ReadImage, KeepsToTheLimitOfPixels) {
  const TemporaryFolder folder;
  for (const char* name : {"a.png", "a.jpg", "a.webp"}) {
    write_image(folder / name, gradient(10, 6));
    EXPECT_EQ(read_image(folder / name, {.max_pixels = 60}).width(), 10);
    const Error error = error_of([&] { read_image(folder / name, {.max_pixels = 59}); });
    EXPECT_EQ(error.code(), ErrorCode::kTooLarge);
    EXPECT_THAT(error.what(), HasSubstr("10x6 pixels, more than the 59"));
  }
}

}  // namespace
}  // namespace retinaface
