#include "retinaface/image.h"

#include <vector>

#include "image/convert.h"
#include "support/testing.h"

namespace retinaface {
namespace {

using testing::error_of;

TEST(Image, IsBlackAndPacked) {
  const Image image(3, 2);
  EXPECT_EQ(image.stride(), 9);
  EXPECT_EQ(image.row(1) - image.row(0), 9);
  for (int i = 0; i < 18; ++i) EXPECT_EQ(image.row(0)[i], 0);
  EXPECT_TRUE(Image().empty());
  EXPECT_TRUE(Image(0, 5).empty());
}

TEST(Image, RefusesNegativeSides) {
  EXPECT_EQ(error_of([] { Image(-1, 2); }).code(), ErrorCode::kInvalidArgument);
  EXPECT_EQ(error_of([] { Image(2, -1); }).code(), ErrorCode::kInvalidArgument);
}

TEST(PixelFormat, HasItsBytes) {
  EXPECT_EQ(bytes_per_pixel(PixelFormat::kGray), 1);
  EXPECT_EQ(bytes_per_pixel(PixelFormat::kRgb), 3);
  EXPECT_EQ(bytes_per_pixel(PixelFormat::kBgr), 3);
  EXPECT_EQ(bytes_per_pixel(PixelFormat::kRgba), 4);
  EXPECT_EQ(bytes_per_pixel(PixelFormat::kBgra), 4);
}

/// One column of two pixels, the rows one byte longer than they need to be.
std::vector<int> as_rgb(PixelFormat format, std::vector<std::uint8_t> first,
                        const std::vector<std::uint8_t>& second) {
  const auto stride = static_cast<std::ptrdiff_t>(first.size() + 1);
  first.push_back(99);
  first.insert(first.end(), second.begin(), second.end());
  const Image rgb = to_rgb({first.data(), 1, 2, stride, format});
  return {rgb.row(0), rgb.row(0) + 6};
}

TEST(Convert, FindsRedGreenAndBlueInEveryFormat) {
  const std::vector<int> expected = {1, 2, 3, 4, 5, 6};
  EXPECT_EQ(as_rgb(PixelFormat::kRgb, {1, 2, 3}, {4, 5, 6}), expected);
  EXPECT_EQ(as_rgb(PixelFormat::kBgr, {3, 2, 1}, {6, 5, 4}), expected);
  EXPECT_EQ(as_rgb(PixelFormat::kRgba, {1, 2, 3, 0}, {4, 5, 6, 255}), expected);
  EXPECT_EQ(as_rgb(PixelFormat::kBgra, {3, 2, 1, 0}, {6, 5, 4, 255}), expected);
  EXPECT_EQ(as_rgb(PixelFormat::kGray, {7}, {8}), (std::vector<int>{7, 7, 7, 8, 8, 8}));
}

TEST(Convert, TakesAPartInPlace) {
  Image image(5, 4);
  image.row(2)[3 * 3 + 1] = 77;
  const ImageView part = part_of(image, 3, 1, 2, 3);
  EXPECT_EQ(part.width, 2);
  EXPECT_EQ(part.height, 3);
  EXPECT_EQ(part.row(1)[1], 77);
  const std::vector<std::uint8_t> gray = {0, 1, 2, 3};
  EXPECT_EQ(*part_of({gray.data(), 2, 2, 2, PixelFormat::kGray}, 1, 1, 1, 1).data, 3);
}

TEST(Convert, MirrorsLeftAndRight) {
  Image image(3, 1);
  for (int i = 0; i < 9; ++i) image.row(0)[i] = static_cast<std::uint8_t>(i);
  mirror(image);
  EXPECT_EQ(std::vector<int>(image.row(0), image.row(0) + 9),
            (std::vector<int>{6, 7, 8, 3, 4, 5, 0, 1, 2}));
}

}  // namespace
}  // namespace retinaface
