// Rows of products of bytes, which the convolutions of bytes.h share; for bytes-inl.h.

#pragma once

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

RowTarget row_target(const ByteMap* bytes, const FloatTarget* floats, std::int64_t y,
                     std::int64_t width) {
  if (bytes != nullptr) return {bytes->row(0, y), nullptr, bytes->block_bytes()};
  return {nullptr, floats->data + y * width * Ops::kBlock, floats->block_stride};
}

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

}  // namespace
