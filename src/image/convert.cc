#include "image/convert.h"

#include <algorithm>

#include "base/check.h"

namespace retinaface {
inline namespace internal {
namespace {

/// Channel offsets are constants so that the compiler can shuffle whole vectors.
template <int kPixelBytes, int kRed, int kGreen, int kBlue>
void pick_channels(const std::uint8_t* from, int width, std::uint8_t* rgb) {
  for (int x = 0; x < width; ++x, from += kPixelBytes, rgb += 3) {
    rgb[0] = from[kRed];
    rgb[1] = from[kGreen];
    rgb[2] = from[kBlue];
  }
}

}  // namespace

void check_view(const ImageView& image, std::string_view name) {
  if (image.empty() || image.data == nullptr) {
    fail(ErrorCode::kInvalidArgument, "{}: expected an image, found one of {}x{} pixels{}", name,
         image.width, image.height, image.data == nullptr ? " and no data" : "");
  }
  if (image.width > kMaxImageSide || image.height > kMaxImageSide) {
    fail(ErrorCode::kTooLarge, "{}: {}x{} pixels: no side may be over {}", name, image.width,
         image.height, kMaxImageSide);
  }
  if (image.format < PixelFormat::kRgb || image.format > PixelFormat::kGray) {
    fail(ErrorCode::kInvalidArgument, "{}: no such pixel format: {}", name,
         static_cast<int>(image.format));
  }
  const std::int64_t row_bytes = std::int64_t{image.width} * bytes_per_pixel(image.format);
  const std::int64_t stride = image.stride;
  if (image.height > 1 && stride < row_bytes && stride > -row_bytes) {
    fail(ErrorCode::kInvalidArgument,
         "{}: stride: expected at least {} bytes, or at most minus that, found {}", name, row_bytes,
         stride);
  }
}

void copy_row_as_rgb(const ImageView& image, int y, std::span<std::uint8_t> rgb) {
  RF_CHECK(y >= 0 && y < image.height);
  RF_CHECK(rgb.size() == std::size_t{3} * static_cast<std::size_t>(image.width));
  const std::uint8_t* from = image.row(y);
  switch (image.format) {
    case PixelFormat::kRgb:
      std::copy_n(from, rgb.size(), rgb.data());
      return;
    case PixelFormat::kBgr:
      pick_channels<3, 2, 1, 0>(from, image.width, rgb.data());
      return;
    case PixelFormat::kRgba:
      pick_channels<4, 0, 1, 2>(from, image.width, rgb.data());
      return;
    case PixelFormat::kBgra:
      pick_channels<4, 2, 1, 0>(from, image.width, rgb.data());
      return;
    case PixelFormat::kGray:
      pick_channels<1, 0, 0, 0>(from, image.width, rgb.data());
      return;
  }
  fail(ErrorCode::kInvalidArgument, "no such pixel format: {}", static_cast<int>(image.format));
}

Image to_rgb(const ImageView& image) {
  Image result(image.width, image.height);
  const auto row_bytes = static_cast<std::size_t>(result.stride());
  for (int y = 0; y < image.height; ++y) copy_row_as_rgb(image, y, {result.row(y), row_bytes});
  return result;
}

ImageView part_of(const ImageView& image, int x, int y, int width, int height) {
  RF_CHECK(x >= 0 && y >= 0 && width >= 0 && height >= 0 && x <= image.width - width &&
           y <= image.height - height);
  ImageView part = image;
  part.data = image.row(y) + std::ptrdiff_t{x} * bytes_per_pixel(image.format);
  part.width = width;
  part.height = height;
  return part;
}

void mirror(Image& image) {
  for (int y = 0; y < image.height(); ++y) {
    std::uint8_t* const row = image.row(y);
    for (int left = 0, right = image.width() - 1; left < right; ++left, --right) {
      std::swap_ranges(row + 3 * left, row + 3 * left + 3, row + 3 * right);
    }
  }
}

}  // namespace internal
}  // namespace retinaface
