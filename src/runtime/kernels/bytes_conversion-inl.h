// ByteKernels::to_bytes and to_floats of bytes.h; for bytes-inl.h.

#pragma once

#include "runtime/kernels/bytes_border-inl.h"

namespace {

/// A row of three planes of floats, `plane` floats apart, to kPixelBytes a cell.
void image_row_to_bytes(const ByteConversion& layer, const float* from, std::int64_t plane,
                        std::int64_t width, std::uint8_t* to) {
  constexpr std::int64_t kB = Ops::kBlock;
  const auto at = [&](std::int64_t c, const float* values) {
    const auto i = static_cast<std::size_t>(c);
    return Ops::to_bytes(
        Ops::fma(Ops::load_any(values), Ops::set(layer.factor[i]), Ops::set(layer.offset[i])));
  };
  std::int64_t x = 0;
  for (; x + kB <= width; x += kB) {
    Ops::store_pixels(to + x * kPixelBytes, at(0, from + x), at(1, from + plane + x),
                      at(2, from + 2 * plane + x));
  }
  if (x == width) return;
  // The rest of the row, from and to places that are long enough.
  alignas(64) float rest[3][kB] = {};
  alignas(64) std::uint8_t pixels[kB * kPixelBytes];
  const auto count = static_cast<std::size_t>(width - x);
  for (std::int64_t c = 0; c < 3; ++c) {
    std::memcpy(rest[c], from + c * plane + x, count * sizeof(float));
  }
  Ops::store_pixels(pixels, at(0, rest[0]), at(1, rest[1]), at(2, rest[2]));
  std::memcpy(to + x * kPixelBytes, pixels, count * kPixelBytes);
}

void floats_to_bytes(const ByteConversion& layer, const float* in, const ByteMap& out) {
  constexpr std::int64_t kB = Ops::kBlock;
  const auto channels = static_cast<std::int64_t>(layer.zero.size());
  const std::int64_t cells = out.height * out.width;
  if (layer.is_image) {
    for (std::int64_t y = 0; y < out.height; ++y) {
      image_row_to_bytes(layer, in + y * out.width, cells, out.width, out.row(0, y));
    }
  } else {
    for (std::int64_t first = 0; first < channels; first += kB) {
      const Ops::Float factor = Ops::load(layer.factor.data() + first);
      const Ops::Float offset = Ops::load(layer.offset.data() + first);
      for (std::int64_t y = 0; y < out.height; ++y) {
        const float* const from = in + first * cells + y * out.width * kB;
        std::uint8_t* const to = out.row(first / kB, y);
        for (std::int64_t x = 0; x < out.width; ++x) {
          Ops::store_bytes(to + x * kB, Ops::fma(Ops::load(from + x * kB), factor, offset));
        }
      }
    }
  }
  write_border(out, channels, layer.zero.data());
}

void bytes_to_floats(const ByteConversion& layer, const ByteMap& in, float* out) {
  constexpr std::int64_t kB = Ops::kBlock;
  const auto channels = static_cast<std::int64_t>(layer.zero.size());
  for (std::int64_t first = 0; first < channels; first += kB) {
    const Ops::Float factor = Ops::load(layer.factor.data() + first);
    const Ops::Float offset = Ops::load(layer.offset.data() + first);
    for (std::int64_t y = 0; y < in.height; ++y) {
      const std::uint8_t* const from = in.row(first / kB, y);
      float* const to = out + first * in.height * in.width + y * in.width * kB;
      for (std::int64_t x = 0; x < in.width; ++x) {
        Ops::store(to + x * kB, Ops::fma(Ops::to_float(Ops::widen(from + x * kB)), factor, offset));
      }
    }
  }
}

}  // namespace
