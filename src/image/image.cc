#include "retinaface/image.h"

#include <cstdlib>
#include <cstring>
#include <new>
#include <utility>

#include "base/check.h"

namespace retinaface {

int bytes_per_pixel(PixelFormat format) {
  switch (format) {
    case PixelFormat::kRgb:
    case PixelFormat::kBgr:
      return 3;
    case PixelFormat::kRgba:
    case PixelFormat::kBgra:
      return 4;
    case PixelFormat::kGray:
      return 1;
  }
  fail(ErrorCode::kInvalidArgument, "no such pixel format: {}", static_cast<int>(format));
}

Image::Image(int width, int height) : width_(width), height_(height) {
  if (width < 0 || height < 0) {
    fail(ErrorCode::kInvalidArgument, "an image of {}x{} pixels: no side may be negative", width,
         height);
  }
  if (width > kMaxImageSide || height > kMaxImageSide) {
    fail(ErrorCode::kTooLarge, "an image of {}x{} pixels: no side may be over {}", width, height,
         kMaxImageSide);
  }
  if (empty()) return;
  // Zeroed by the operating system where the image is large, when a row is first touched.
  void* const pixels =
      std::calloc(static_cast<std::size_t>(height), static_cast<std::size_t>(stride()));
  if (pixels == nullptr) throw std::bad_alloc();
  pixels_ = static_cast<std::uint8_t*>(pixels);
}

Image::~Image() {
  std::free(pixels_);
}

Image::Image(const Image& other) : Image(other.width_, other.height_) {
  if (empty()) return;
  std::memcpy(pixels_, other.pixels_,
              static_cast<std::size_t>(stride()) * static_cast<std::size_t>(height_));
}

Image& Image::operator=(const Image& other) {
  if (this != &other) *this = Image(other);
  return *this;
}

Image::Image(Image&& other) noexcept
    : pixels_(std::exchange(other.pixels_, nullptr)),
      width_(std::exchange(other.width_, 0)),
      height_(std::exchange(other.height_, 0)) {}

Image& Image::operator=(Image&& other) noexcept {
  Image taken(std::move(other));
  std::swap(pixels_, taken.pixels_);
  std::swap(width_, taken.width_);
  std::swap(height_, taken.height_);
  return *this;
}

}  // namespace retinaface
