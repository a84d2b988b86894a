// ByteKernels::add_upsampled of bytes.h; for bytes-inl.h.

#pragma once

#include "runtime/kernels/bytes_border-inl.h"

namespace {

void byte_add_upsampled(const ByteAddition& layer, const ByteMap& fine, const ByteMap& coarse,
                        const ByteMap& target) {
  constexpr std::int64_t kB = Ops::kBlock;
  const auto channels = static_cast<std::int64_t>(layer.zero.size());
  for (std::int64_t first = 0; first < channels; first += kB) {
    const std::int64_t b = first / kB;
    const Ops::Float fine_factor = Ops::load(layer.fine.data() + first);
    const Ops::Float coarse_factor = Ops::load(layer.coarse.data() + first);
    const Ops::Float offset = Ops::load(layer.offset.data() + first);
    for (std::int64_t y = 0; y < fine.height; ++y) {
      const std::uint8_t* const from = fine.row(b, y);
      const std::uint8_t* const above = coarse.row(b, y * coarse.height / fine.height);
      std::uint8_t* const to = target.row(b, y);
      Resampled column(coarse.width, fine.width);
      for (std::int64_t x = 0; x < fine.width; ++x) {
        const std::int64_t coarse_x = column.next();
        const Ops::Float sum =
            Ops::fma(Ops::to_float(Ops::widen(above + coarse_x * kB)), coarse_factor, offset);
        Ops::store_bytes(to + x * kB,
                         Ops::fma(Ops::to_float(Ops::widen(from + x * kB)), fine_factor, sum));
      }
    }
  }
  write_border(target, channels, layer.zero.data());
}

}  // namespace
