// The border of a ByteMap; for bytes-inl.h.

#pragma once

namespace {

template <std::int64_t kSize>
void write_border_of(const ByteMap& map, std::int64_t channels, const std::uint8_t* zero) {
  for (std::int64_t first = 0; first < channels; first += kSize) {
    std::uint8_t* const plane = map.data + first / kSize * map.block_bytes();
    std::uint8_t cell[kSize];
    std::memcpy(cell, zero + first, kSize);
    const auto write = [&](std::uint8_t* to) { std::memcpy(to, cell, kSize); };
    std::uint8_t* const last = plane + (map.rows() + 1) * map.row_bytes();
    for (std::int64_t x = 0; x < map.width + 2; ++x) {
      write(plane + x * kSize);
      write(last + x * kSize);
    }
    for (std::int64_t y = 1; y <= map.rows(); ++y) {
      write(plane + y * map.row_bytes());
      write(plane + (y + 1) * map.row_bytes() - kSize);
    }
  }
}

/// Writes the border of a map of whole blocks.
void write_border(const ByteMap& map, std::int64_t channels, const std::uint8_t* zero) {
  if (map.cell_bytes == Ops::kBlock) return write_border_of<Ops::kBlock>(map, channels, zero);
  write_border_of<kPixelBytes>(map, channels, zero);
}

}  // namespace
