#include "retinaface/image.h"

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
  pixels_.resize(static_cast<std::size_t>(stride()) * static_cast<std::size_t>(height));
}

}  // namespace retinaface
