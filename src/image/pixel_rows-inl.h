// Rows of pixels as planes of floats. Included once for each instruction set.

#if defined(RETINAFACE_IMAGE_PIXEL_ROWS_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef RETINAFACE_IMAGE_PIXEL_ROWS_INL_H_
#undef RETINAFACE_IMAGE_PIXEL_ROWS_INL_H_
#else
#define RETINAFACE_IMAGE_PIXEL_ROWS_INL_H_
#endif

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>

#include <hwy/cache_control.h>
#include <hwy/highway.h>

#include "image/pixel_source.h"

HWY_BEFORE_NAMESPACE();
namespace retinaface::HWY_NAMESPACE {

/// `width` pixels of `kBytes` interleaved bytes; `planes` and `mean` in the order in which the
/// bytes lie.
template <int kBytes>
void pixels_to_planes(const std::uint8_t* HWY_RESTRICT pixels, std::size_t width,
                      const std::array<float*, 3>& planes, const std::array<float, 3>& mean) {
  namespace hn = hwy::HWY_NAMESPACE;
  const hn::ScalableTag<float> floats;
  const hn::Rebind<std::int32_t, decltype(floats)> ints;
  const hn::Rebind<std::uint8_t, decltype(floats)> bytes;
  const std::size_t lanes = hn::Lanes(floats);
  std::size_t x = 0;
  for (; x + lanes <= width; x += lanes) {
    hn::Vec<decltype(bytes)> channel[4];
    const std::uint8_t* from = pixels + x * kBytes;
    hwy::Prefetch(from + kPixelBytesAhead);
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

/// Row y to a row of each channel's plane, of `width` floats; what is beyond the image is 0.
inline void pixel_row_to_planes(const PixelSource& source, int y,
                                const std::array<float*, 3>& planes, std::size_t width) {
  const auto used = static_cast<std::size_t>(source.image.width);
  std::array<float*, 3> rows{};
  std::array<float, 3> mean{};
  for (std::size_t c = 0; c < 3; ++c) {
    rows[c] = planes[source.channel[c]];
    mean[c] = source.mean[source.channel[c]];
    std::fill(rows[c] + used, rows[c] + width, 0.0F);
  }
  const std::uint8_t* const pixels = source.image.row(y);
  switch (bytes_per_pixel(source.image.format)) {
    case 1:
      return pixels_to_planes<1>(pixels, used, rows, mean);
    case 3:
      return pixels_to_planes<3>(pixels, used, rows, mean);
    default:
      return pixels_to_planes<4>(pixels, used, rows, mean);
  }
}

}  // namespace retinaface::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
