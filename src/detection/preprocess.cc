#include "detection/preprocess.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>

#include "base/check.h"
#include "base/simd.h"

// Compiled once for each instruction set; the best one is chosen when the program runs.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "detection/preprocess.cc"
#include <hwy/foreach_target.h>
// foreach_target.h comes before highway.h.
#include <hwy/highway.h>

#include "image/pixel_rows-inl.h"

#if HWY_ONCE

namespace retinaface::detection {
namespace {

/// Where the image's first, second and third byte go among the network's channels, and back.
std::array<std::size_t, 3> network_channels(PixelFormat format,
                                            const models::Preprocessing& preprocessing) {
  const bool image_is_bgr = format == PixelFormat::kBgr || format == PixelFormat::kBgra;
  if (format != PixelFormat::kGray && image_is_bgr != preprocessing.bgr) return {2, 1, 0};
  return {0, 1, 2};
}

}  // namespace

PixelSource pixel_source(ImageView image, const models::Preprocessing& preprocessing) {
  return {image, network_channels(image.format, preprocessing), preprocessing.mean};
}

void preprocess(ImageView image, const models::Preprocessing& preprocessing,
                std::span<float> planes, std::int64_t plane_width) {
  const std::size_t width = static_cast<std::size_t>(plane_width == 0 ? image.width : plane_width);
  const std::size_t plane = planes.size() / 3;
  RF_CHECK(width >= static_cast<std::size_t>(image.width) && planes.size() % (3 * width) == 0 &&
           plane / width >= static_cast<std::size_t>(image.height));
  const PixelSource source = pixel_source(image, preprocessing);
  const auto convert = RF_SIMD_VARIANT(pixel_row_to_planes);
  std::array<float*, 3> rows = {planes.data(), planes.data() + plane, planes.data() + 2 * plane};
  for (int y = 0; y < image.height; ++y) {
    convert(source, y, rows, width);
    for (float*& row : rows) row += width;
  }
  const std::size_t rest = plane - width * static_cast<std::size_t>(image.height);
  for (float* const row : rows) std::fill_n(row, rest, 0.0F);
}

void preprocess_interleaved(ImageView image, const models::Preprocessing& preprocessing,
                            std::span<float> values) {
  const auto width = static_cast<std::size_t>(image.width);
  RF_CHECK(values.size() == 3 * width * static_cast<std::size_t>(image.height));
  const auto pixel_bytes = static_cast<std::size_t>(bytes_per_pixel(image.format));
  auto source = network_channels(image.format, preprocessing);
  if (image.format == PixelFormat::kGray) source = {};
  const std::array<float, 3> mean = preprocessing.mean;
  float* target = values.data();
  for (int y = 0; y < image.height; ++y) {
    const std::uint8_t* pixel = image.row(y);
    for (std::size_t x = 0; x < width; ++x, pixel += pixel_bytes, target += 3) {
      for (std::size_t c = 0; c < 3; ++c) {
        target[c] = static_cast<float>(pixel[source[c]]) - mean[c];
      }
    }
  }
}

}  // namespace retinaface::detection

#endif  // HWY_ONCE
