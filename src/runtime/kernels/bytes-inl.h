// The kernels of bytes.h for one instruction set. Included once by the file of each, within its
// compiler options, after `Ops` is defined: what the set does with B lanes of 32 bits.

namespace {

/// Rows of cells to be multiplied: for cell x, the four bytes at data + offsets[k] + x * kCell are
/// multiplied with the weights of step k.
struct ByteRow {
  const std::uint8_t* data;
  const std::int32_t* offsets;
  std::int64_t steps;
};

/// Where a row of results goes, by out block: bytes or floats.
struct RowTarget {
  std::uint8_t* bytes = nullptr;
  float* floats = nullptr;
  std::int64_t block_stride = 0;  ///< in bytes or floats
  // Bytes of two maps, the second from this block on.
  std::int64_t blocks = 0;
  std::uint8_t* second = nullptr;
  std::int64_t second_stride = 0;

  std::uint8_t* bytes_at(std::int64_t block) const {
    return second == nullptr || block < blocks ? bytes + block * block_stride
                                               : second + (block - blocks) * second_stride;
  }
};

template <int kCount, int kBlocks, int kCell>
inline void byte_cells(const ByteRow& in, const std::int8_t* weight, const ByteEpilogue& epilogue,
                       std::int64_t first_channel, const RowTarget& out, std::int64_t cell) {
  constexpr int kB = Ops::kBlock;
  Ops::Int sums[kCount][kBlocks];
#pragma GCC unroll 16
  for (int i = 0; i < kCount; ++i) {
#pragma GCC unroll 4
    for (int b = 0; b < kBlocks; ++b) {
      sums[i][b] = Ops::load_int(epilogue.bias.data() + first_channel + b * kB);
    }
  }
  const std::uint8_t* const data = in.data + cell * kCell;
  for (std::int64_t k = 0; k < in.steps; ++k) {
    const std::uint8_t* const from = data + in.offsets[k];
    Ops::Int w[kBlocks];
#pragma GCC unroll 4
    for (int b = 0; b < kBlocks; ++b) w[b] = Ops::load_weights(weight + b * kB * 4);
    weight += kBlocks * kB * 4;
#pragma GCC unroll 16
    for (int i = 0; i < kCount; ++i) {
      const Ops::Int a = Ops::broadcast4(from + i * kCell);
#pragma GCC unroll 4
      for (int b = 0; b < kBlocks; ++b) sums[i][b] = Ops::dot(sums[i][b], a, w[b]);
    }
  }
#pragma GCC unroll 4
  for (int b = 0; b < kBlocks; ++b) {
    const std::int64_t channel = first_channel + b * kB;
    const Ops::Float scale = Ops::load(epilogue.scale.data() + channel);
    const Ops::Float leaky = Ops::load(epilogue.leaky.data() + channel);
    const Ops::Float offset = Ops::load(epilogue.offset.data() + channel);
    const std::int64_t block = channel / kB;
    const auto ended = [&](Ops::Int sum) {
      const Ops::Float x = Ops::to_float(sum);
      return Ops::max(Ops::fma(x, scale, offset), Ops::fma(x, leaky, offset));
    };
    if (out.bytes != nullptr) {
      std::uint8_t* const to = out.bytes_at(block) + cell * kB;
      constexpr int kFours = kCount / 4 * 4;
#pragma GCC unroll 4
      for (int i = 0; i < kFours; i += 4) {
        Ops::store_bytes4(to + i * kB, ended(sums[i][b]), ended(sums[i + 1][b]),
                          ended(sums[i + 2][b]), ended(sums[i + 3][b]));
      }
#pragma GCC unroll 4
      for (int i = kFours; i < kCount; ++i) Ops::store_bytes(to + i * kB, ended(sums[i][b]));
    } else {
      float* const to = out.floats + block * out.block_stride + cell * kB;
#pragma GCC unroll 16
      for (int i = 0; i < kCount; ++i) Ops::store(to + i * kB, ended(sums[i][b]));
    }
  }
}

/// Cells at once, by how many blocks of channels.
template <int kBlocks>
inline constexpr int kCellsOf = kBlocks > 2 ? Ops::kCells * 2 / kBlocks : Ops::kCells;

template <int kBlocks, int kCell, int kCount = kCellsOf<kBlocks>>
inline void byte_rest(std::int64_t count, const ByteRow& in, const std::int8_t* weight,
                      const ByteEpilogue& epilogue, std::int64_t first_channel,
                      const RowTarget& out, std::int64_t cell) {
  if constexpr (kCount > 0) {
    if (count == kCount) {
      byte_cells<kCount, kBlocks, kCell>(in, weight, epilogue, first_channel, out, cell);
    } else {
      byte_rest<kBlocks, kCell, kCount - 1>(count, in, weight, epilogue, first_channel, out, cell);
    }
  }
}

/// A row of `cells` cells of some out blocks.
template <int kBlocks, int kCell>
inline void byte_row_of(const ByteConvolution& layer, const ByteRow& in, std::int64_t cells,
                        const RowTarget& out, const std::int8_t* weight, std::int64_t first) {
  Pieces<kCellsOf<kBlocks>> pieces(cells);
  for (std::int64_t cell = 0; cell < cells;) {
    const std::int64_t count = pieces.next();
    byte_rest<kBlocks, kCell>(count, in, weight, layer.epilogue, first, out, cell);
    cell += count;
  }
}

/// See ByteKernels. The more, the fewer times what they are computed of is loaded, but the more
/// often their weights are, which of 3x3 the nearest cache does not hold.
std::int64_t blocks_at_once(std::int64_t kernel, std::int64_t left) {
  if (left < 2) return left;
  if (Ops::kManyRegisters && kernel == 1 && left >= 4) return 4;
  return Ops::kManyRegisters && left == 3 ? 3 : 2;
}

/// A row of `cells` cells, all out blocks.
template <int kCell>
void byte_row(const ByteConvolution& layer, const ByteRow& in, std::int64_t cells,
              const RowTarget& out) {
  constexpr std::int64_t kB = Ops::kBlock;
  const std::int8_t* weight = layer.weight.data();
  for (std::int64_t first = 0; first < layer.out_channels;) {
    const std::int64_t blocks = blocks_at_once(layer.kernel, (layer.out_channels - first) / kB);
    if (blocks > 2) {
      if constexpr (Ops::kManyRegisters) {
        auto* const run = blocks == 4 ? &byte_row_of<4, kCell> : &byte_row_of<3, kCell>;
        run(layer, in, cells, out, weight, first);
      }
    } else if (blocks == 2) {
      byte_row_of<2, kCell>(layer, in, cells, out, weight, first);
    } else {
      byte_row_of<1, kCell>(layer, in, cells, out, weight, first);
    }
    first += blocks * kB;
    weight += blocks * kB * 4 * in.steps;
  }
}

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

RowTarget row_target(const ByteMap* bytes, const FloatTarget* floats, std::int64_t y,
                     std::int64_t width) {
  if (bytes != nullptr) return {bytes->row(0, y), nullptr, bytes->block_bytes()};
  return {nullptr, floats->data + y * width * Ops::kBlock, floats->block_stride};
}

void byte_convolution(const ByteConvolution& layer, const ByteMap& in, const ByteMap* bytes,
                      const FloatTarget* floats, std::int32_t* scratch) {
  // Offsets from the cell that a row begins with, or, of 3x3, from the one above to the left of it.
  std::int32_t* offset = scratch;
  for (std::int64_t tap = 0; tap < layer.kernel * layer.kernel; ++tap) {
    const std::int64_t at =
        tap / layer.kernel * in.row_bytes() + tap % layer.kernel * in.cell_bytes;
    for (std::int64_t c = 0; c < layer.in_channels; c += 4) {
      *offset++ =
          static_cast<std::int32_t>(at + c / in.cell_bytes * in.block_bytes() + c % in.cell_bytes);
    }
  }
  const std::int64_t before = layer.kernel / 2;
  const std::int64_t height = (in.height - 1) / layer.stride + 1;
  const std::int64_t width = (in.width - 1) / layer.stride + 1;
  for (std::int64_t y = 0; y < height; ++y) {
    const ByteRow row = {in.row(0, y * layer.stride - before) - before * in.cell_bytes, scratch,
                         offset - scratch};
    RowTarget target = row_target(bytes, floats, y, width);
    if (layer.joins_two()) {
      target.blocks = layer.first_blocks;
      target.second = bytes[1].row(0, y);
      target.second_stride = bytes[1].block_bytes();
    }
    if (layer.reads_image()) {
      byte_row<2 * kPixelBytes>(layer, row, width, target);
    } else {
      byte_row<Ops::kBlock>(layer, row, width, target);
    }
  }
  if (bytes == nullptr) return;
  const std::int64_t first = layer.first_blocks * Ops::kBlock;
  write_border(bytes[0], first, layer.epilogue.zero.data());
  if (layer.joins_two()) {
    write_border(bytes[1], layer.out_channels - first, layer.epilogue.zero.data() + first);
  }
}

/// One row of one block. `in` are the cells to the left of the first, of three rows; `out` cells in
/// a row.
template <int kStride>
void byte_depthwise_row(const std::uint8_t* const (&in)[3], std::int64_t width,
                        const std::int8_t* weight, const ByteEpilogue& epilogue,
                        std::int64_t first_channel, std::uint8_t* out) {
  constexpr std::int64_t kB = Ops::kBlock;
  const Ops::Int w0 = Ops::load_weights(weight);
  const Ops::Int w1 = Ops::load_weights(weight + kB * 4);
  const Ops::Int w2 = Ops::load_weights(weight + kB * 8);
  const Ops::Int bias = Ops::load_int(epilogue.bias.data() + first_channel);
  const Ops::Float scale = Ops::load(epilogue.scale.data() + first_channel);
  const Ops::Float leaky = Ops::load(epilogue.leaky.data() + first_channel);
  const Ops::Float offset = Ops::load(epilogue.offset.data() + first_channel);
  const auto column = [&](std::int64_t x) {
    return Ops::stack(Ops::widen(in[0] + x * kB), Ops::widen(in[1] + x * kB),
                      Ops::widen(in[2] + x * kB));
  };
  const auto cell = [&](Ops::Int a, Ops::Int b, Ops::Int c) {
    const Ops::Float sum = Ops::to_float(Ops::dot(Ops::dot(Ops::dot(bias, a, w0), b, w1), c, w2));
    return Ops::max(Ops::fma(sum, scale, offset), Ops::fma(sum, leaky, offset));
  };
  std::int64_t x = 0;
  Ops::Int a = column(0);
  if constexpr (kStride == 1) {
    Ops::Int b = column(1);
    for (; x + 4 <= width; x += 4) {
      const Ops::Int c = column(x + 2);
      const Ops::Int d = column(x + 3);
      const Ops::Int e = column(x + 4);
      const Ops::Int f = column(x + 5);
      Ops::store_bytes4(out + x * kB, cell(a, b, c), cell(b, c, d), cell(c, d, e), cell(d, e, f));
      a = e;
      b = f;
    }
    for (; x < width; ++x) {
      const Ops::Int c = column(x + 2);
      Ops::store_bytes(out + x * kB, cell(a, b, c));
      a = b;
      b = c;
    }
  } else {
    for (; x < width; ++x) {
      const Ops::Int b = column(2 * x + 1);
      const Ops::Int c = column(2 * x + 2);
      Ops::store_bytes(out + x * kB, cell(a, b, c));
      a = c;
    }
  }
}

void byte_separable(const ByteDepthwise& depthwise, const ByteConvolution& pointwise,
                    const ByteMap& in, const ByteMap* bytes, const FloatTarget* floats,
                    const RowRange& range, std::int32_t* scratch) {
  constexpr std::int64_t kB = Ops::kBlock;
  const std::int64_t width = (in.width - 1) / depthwise.stride + 1;
  const std::int64_t steps = depthwise.channels / 4;
  auto* const row = reinterpret_cast<std::uint8_t*>(scratch) + (steps * 4 + 63) / 64 * 64;
  auto* const depthwise_row =
      depthwise.stride == 1 ? &byte_depthwise_row<1> : &byte_depthwise_row<2>;
  if (range.begin == 0) {
    for (std::int64_t k = 0; k < steps; ++k) {
      scratch[k] = static_cast<std::int32_t>(4 * k / kB * width * kB + 4 * k % kB);
    }
    if (bytes != nullptr) {
      write_border(*bytes, pointwise.out_channels, pointwise.epilogue.zero.data());
    }
  }
  for (std::int64_t y = range.begin; y < range.end; ++y) {
    for (std::int64_t b = 0; b < depthwise.channels / kB; ++b) {
      const std::int64_t middle = y * depthwise.stride;
      const std::uint8_t* const rows[3] = {
          in.row(b, middle - 1) - kB, in.row(b, middle) - kB,
          in.row(b, middle + 1 < in.height ? middle + 1 : in.height) - kB};
      depthwise_row(rows, width, depthwise.weight.data() + b * 12 * kB, depthwise.epilogue, b * kB,
                    row + b * width * kB);
    }
    byte_row<Ops::kBlock>(pointwise, {row, scratch, steps}, width,
                          row_target(bytes, floats, y, width));
  }
}

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

#include "runtime/kernels/bytes_stem-inl.h"

namespace {

ByteKernels kernels_named(const char* name, bool has_dot_instruction) {
  return {name,
          Ops::kBlock,
          has_dot_instruction,
          &blocks_at_once,
          &byte_convolution,
          &byte_separable,
          &byte_stem,
          [](std::int64_t in_width) {
            return static_cast<std::size_t>(ByteStemRows(in_width).words());
          },
          &byte_add_upsampled,
          &floats_to_bytes,
          &bytes_to_floats};
}

}  // namespace
