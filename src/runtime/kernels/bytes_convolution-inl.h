// ByteKernels::convolution of bytes.h; for bytes-inl.h.

#pragma once

#include "runtime/kernels/bytes_border-inl.h"
#include "runtime/kernels/bytes_product-inl.h"

namespace {

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

}  // namespace
