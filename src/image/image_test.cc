#include "retinaface/image.h"

#include <cstddef>
#include <limits>
#include <type_traits>
#include <utility>
#include <vector>

#include "image/convert.h"
#include "image/resize.h"
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

TEST(Image, RefusesSidesWhoseProductsWouldOverflow) {
  EXPECT_EQ(error_of([] { Image(kMaxImageSide + 1, 1); }).code(), ErrorCode::kTooLarge);
  EXPECT_EQ(error_of([] { Image(1, kMaxImageSide + 1); }).code(), ErrorCode::kTooLarge);
  constexpr int kMaxInt = std::numeric_limits<int>::max();
  EXPECT_EQ(error_of([] { Image(kMaxInt, kMaxInt); }).code(), ErrorCode::kTooLarge);
  EXPECT_THROW(Image(kMaxImageSide, kMaxImageSide), std::bad_alloc);  // 2^59 pixels
}

TEST(Image, CopiesItsPixelsAndMovesThem) {
  Image image(2, 3);
  image.row(2)[5] = 42;
  Image copy = image;
  EXPECT_NE(copy.row(0), image.row(0));
  EXPECT_EQ(copy.row(2)[5], 42);
  copy.row(2)[5] = 7;
  EXPECT_EQ(image.row(2)[5], 42);
  copy = image;
  EXPECT_EQ(copy.row(2)[5], 42);
  const Image& self = copy;
  copy = self;
  EXPECT_EQ(copy.row(2)[5], 42);

  const std::uint8_t* const pixels = image.row(0);
  Image moved = std::move(image);
  EXPECT_EQ(moved.row(0), pixels);
  EXPECT_TRUE(image.empty());  // NOLINT(bugprone-use-after-move): as documented
  EXPECT_EQ(image.width(), 0);
  moved = Image(1, 1);
  EXPECT_EQ(moved.width(), 1);
  copy = Image();
  EXPECT_TRUE(copy.empty());
  EXPECT_TRUE(Image(copy).empty());
}

// A view of a temporary image would outlive its pixels; functions that take a view take the
// temporary all the same.
static_assert(std::is_convertible_v<Image&, ImageView>);
static_assert(std::is_convertible_v<const Image&, ImageView>);
static_assert(!std::is_convertible_v<Image, ImageView>);
static_assert(!std::is_convertible_v<const Image, ImageView>);
static_assert(!std::is_constructible_v<ImageView, Image>);
template <typename T>
concept GivesAView = requires(T image) {
  std::forward<T>(image).view();
};
static_assert(GivesAView<Image&> && !GivesAView<Image>);
// The layout that programs are compiled with: a pointer and two sides.
static_assert(sizeof(Image) == sizeof(void*) + 2 * sizeof(int));

TEST(ImageView, MayLieBottomRowFirst) {
  const std::vector<std::uint8_t> bottom_up = {5, 6, 0, 3, 4, 0, 1, 2};
  const ImageView view = {bottom_up.data() + 6, 2, 3, -3, PixelFormat::kGray};
  const Image rgb = to_rgb(view);
  for (int y = 0; y < 3; ++y) {
    EXPECT_EQ(rgb.row(y)[0], 1 + 2 * y);
    EXPECT_EQ(rgb.row(y)[3], 2 + 2 * y);
  }
  const ImageView part = part_of(view, 1, 1, 1, 2);
  EXPECT_EQ(part.row(0)[0], 4);
  EXPECT_EQ(part.row(1)[0], 6);
  const Image large = resize(view, 4, 6);
  const Image expected = resize(rgb, 4, 6);
  for (int y = 0; y < 6; ++y) {
    EXPECT_TRUE(std::equal(large.row(y), large.row(y) + 12, expected.row(y))) << y;
  }
}

TEST(CheckView, TellsImagesFromWhatIsNone) {
  const std::uint8_t pixels[12] = {};
  const auto code_of = [](const ImageView& view) {
    const Error error = error_of([&] { check_view(view, "image.raw"); });
    EXPECT_EQ(std::string(error.what()).rfind("image.raw: ", 0), 0U) << error.what();
    return error.code();
  };
  EXPECT_NO_THROW(check_view({pixels, 2, 2, 6}, ""));
  EXPECT_NO_THROW(check_view({pixels + 6, 2, 2, -6}, ""));
  EXPECT_NO_THROW(check_view({pixels, 2, 1, 0}, ""));  // a single row needs no stride
  EXPECT_EQ(code_of({}), ErrorCode::kInvalidArgument);
  EXPECT_EQ(code_of({nullptr, 2, 2, 6}), ErrorCode::kInvalidArgument);
  EXPECT_EQ(code_of({pixels, 0, 2, 6}), ErrorCode::kInvalidArgument);
  EXPECT_EQ(code_of({pixels, 2, -1, 6}), ErrorCode::kInvalidArgument);
  EXPECT_EQ(code_of({pixels, 2, 2, 5}), ErrorCode::kInvalidArgument);
  EXPECT_EQ(code_of({pixels, 2, 2, -5}), ErrorCode::kInvalidArgument);
  constexpr auto kLongest = std::numeric_limits<std::ptrdiff_t>::min();
  EXPECT_NO_THROW(check_view({pixels, 2, 2, kLongest}, ""));
  EXPECT_EQ(code_of({pixels, 2, 2, 6, static_cast<PixelFormat>(9)}), ErrorCode::kInvalidArgument);
  constexpr int kMaxInt = std::numeric_limits<int>::max();
  EXPECT_EQ(code_of({pixels, kMaxInt, kMaxInt, std::ptrdiff_t{3} * kMaxInt}), ErrorCode::kTooLarge);
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
