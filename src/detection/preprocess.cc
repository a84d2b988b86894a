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

HWY_BEFORE_NAMESPACE();
namespace retinaface::detection::HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

/// One row of `width` pixels of `kBytes` interleaved bytes; `planes` and `mean` in the order in
/// which the bytes lie.
template <int kBytes>
void convert_pixels(const std::uint8_t* HWY_RESTRICT pixels, std::size_t width,
                    const std::array<float*, 3>& planes, const std::array<float, 3>& mean) {
  const hn::ScalableTag<float> floats;
  const hn::Rebind<std::int32_t, decltype(floats)> ints;
  const hn::Rebind<std::uint8_t, decltype(floats)> bytes;
  const std::size_t lanes = hn::Lanes(floats);
  std::size_t x = 0;
  for (; x + lanes <= width; x += lanes) {
    hn::Vec<decltype(bytes)> channel[4];
    const std::uint8_t* from = pixels + x * kBytes;
    if constexpr (kBytes == 1) {
      channel[0] = channel[1] = channel[2] = hn::LoadU(bytes, from);
    } else if constexpr (kBytes == 3) {
      hn::LoadInterleaved3(bytes, from, channel[0], channel[1], channel[2]);
    } else {
      hn::LoadInterleaved4(bytes, from, channel[0], channel[1], channel[2], channel[3]);
    }
    for (std::size_t c = 0; c < 3; ++c) {
      const auto value = hn::ConvertTo(floats, hn::PromoteTo(ints, channel[c]));
      hn::StoreU(hn::Sub(value, hn::Set(floats, mean[c])), floats, planes[c] + x);
    }
  }
  for (; x < width; ++x) {
    for (std::size_t c = 0; c < 3; ++c) {
      planes[c][x] = static_cast<float>(pixels[x * kBytes + (kBytes == 1 ? 0 : c)]) - mean[c];
    }
  }
}

void convert_row(const std::uint8_t* pixels, std::size_t width, int pixel_bytes,
                 const std::array<float*, 3>& planes, const std::array<float, 3>& mean) {
  switch (pixel_bytes) {
    case 1:
      return convert_pixels<1>(pixels, width, planes, mean);
    case 3:
      return convert_pixels<3>(pixels, width, planes, mean);
    default:
      return convert_pixels<4>(pixels, width, planes, mean);
  }
}

}  // namespace retinaface::detection::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

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

void preprocess(ImageView image, const models::Preprocessing& preprocessing,
                std::span<float> planes, std::int64_t plane_width) {
  const auto width = static_cast<std::size_t>(image.width);
  const std::size_t pitch = plane_width == 0 ? width : static_cast<std::size_t>(plane_width);
  const std::size_t plane = planes.size() / 3;
  RF_CHECK(pitch >= width && planes.size() % (3 * pitch) == 0 &&
           plane / pitch >= static_cast<std::size_t>(image.height));
  const std::size_t used = pitch * static_cast<std::size_t>(image.height);
  const auto channel = network_channels(image.format, preprocessing);

  std::array<float*, 3> rows{};
  std::array<float, 3> mean{};
  for (std::size_t c = 0; c < 3; ++c) {
    rows[c] = planes.data() + channel[c] * plane;
    std::fill(rows[c] + used, rows[c] + plane, 0.0F);
    mean[c] = preprocessing.mean[channel[c]];
  }
  const auto convert = RF_SIMD_VARIANT(convert_row);
  for (int y = 0; y < image.height; ++y) {
    convert(image.row(y), width, bytes_per_pixel(image.format), rows, mean);
    for (float*& row : rows) {
      std::fill(row + width, row + pitch, 0.0F);
      row += pitch;
    }
  }
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
