#include "runtime/cpu/plain_calls.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>

namespace retinaface::runtime::cpu {

/// Copies each target cell's channel block from the source cell that it falls on.
void run_plain(const UpsampleCall& call, std::byte* arena, std::int64_t block) {
  const std::byte* const source = arena + call.source.place.offset;
  std::byte* target = arena + call.target.place.offset;
  const std::int64_t cell =
      block * static_cast<std::int64_t>(graph::element_bytes(call.source.type));
  for (std::int64_t b = 0; b < call.target.blocks; ++b) {
    for (std::int64_t y = 0; y < call.target.height; ++y) {
      const std::int64_t source_y = y * call.source.height / call.target.height;
      const std::byte* const row =
          source + (b * call.source.height + source_y) * call.source.width * cell;
      for (std::int64_t x = 0; x < call.target.width; ++x) {
        std::memcpy(target, row + x * call.source.width / call.target.width * cell,
                    static_cast<std::size_t>(cell));
        target += cell;
      }
    }
  }
}

void run_plain(const SoftmaxCall& call, std::byte* arena, std::int64_t block) {
  const float* const source = floats_at(call.source.place, arena);
  float* const target = floats_at(call.target.place, arena);
  const std::int64_t cells = call.source.height * call.source.width;
  const auto at = [&](std::int64_t c, std::int64_t cell) {
    return (c / block * cells + cell) * block + c % block;
  };
  for (std::int64_t first = 0; first < call.channels; first += call.run) {
    for (std::int64_t cell = 0; cell < cells; ++cell) {
      float largest = source[at(first, cell)];
      for (std::int64_t c = first; c < first + call.run; ++c) {
        largest = std::max(largest, source[at(c, cell)]);
      }
      float sum = 0;
      for (std::int64_t c = first; c < first + call.run; ++c) {
        const float power = std::exp(source[at(c, cell)] - largest);
        target[at(c, cell)] = power;
        sum += power;
      }
      for (std::int64_t c = first; c < first + call.run; ++c) target[at(c, cell)] /= sum;
    }
  }
  // The padding of the last block, which may be read as channels that are 0.
  for (std::int64_t c = call.channels; c % block != 0; ++c) {
    for (std::int64_t cell = 0; cell < cells; ++cell) target[at(c, cell)] = 0;
  }
}

void run_plain(const PadCall& call, std::byte* arena, std::int64_t block) {
  const float* const source = floats_at(call.source.place, arena);
  float* const target = floats_at(call.target.place, arena);
  for (std::int64_t b = 0; b < call.target.blocks; ++b) {
    // What lies beyond the map's channels stays 0.
    const std::int64_t filled = std::min(block, call.channels - b * block);
    for (std::int64_t y = 0; y < call.target.height; ++y) {
      float* cell = target + (b * call.target.height + y) * call.target.width * block;
      const std::int64_t from_y = y - call.pad.top;
      const bool has_row = from_y >= 0 && from_y < call.source.height;
      for (std::int64_t x = 0; x < call.target.width; ++x, cell += block) {
        const std::int64_t from_x = x - call.pad.left;
        if (has_row && from_x >= 0 && from_x < call.source.width) {
          const float* const from =
              source + ((b * call.source.height + from_y) * call.source.width + from_x) * block;
          std::copy_n(from, block, cell);
        } else {
          std::fill_n(cell, filled, call.pad.value);
          std::fill_n(cell + filled, block - filled, 0.0F);
        }
      }
    }
  }
}

void run_plain(const GridSampleCall& call, std::byte* arena, std::int64_t block) {
  const float* const source = floats_at(call.source.place, arena);
  const float* const grid = floats_at(call.grid.place, arena);
  float* const target = floats_at(call.target.place, arena);
  const std::int64_t height = call.source.height;
  const std::int64_t width = call.source.width;
  const std::int64_t cells = call.target.height * call.target.width;
  const auto inside = [&](float y, float x) {
    return y >= 0 && x >= 0 && y < static_cast<float>(height) && x < static_cast<float>(width);
  };
  for (std::int64_t cell = 0; cell < cells; ++cell) {
    // Both coordinates are in the grid's one block.
    const float at_x = call.op.cell(grid[cell * block], width);
    const float at_y = call.op.cell(grid[cell * block + 1], height);
    const float x0 = call.op.nearest ? std::nearbyint(at_x) : std::floor(at_x);
    const float y0 = call.op.nearest ? std::nearbyint(at_y) : std::floor(at_y);
    const float dx = call.op.nearest ? 0 : at_x - x0;
    const float dy = call.op.nearest ? 0 : at_y - y0;
    const std::array<float, 4> weights = {(1 - dy) * (1 - dx), (1 - dy) * dx, dy * (1 - dx),
                                          dy * dx};
    for (std::int64_t b = 0; b < call.target.blocks; ++b) {
      float* const to = target + (b * cells + cell) * block;
      std::fill_n(to, block, 0.0F);
      for (std::size_t corner = 0; corner < weights.size(); ++corner) {
        const float y = y0 + (corner >= 2 ? 1.0F : 0.0F);
        const float x = x0 + static_cast<float>(corner % 2);
        if (weights[corner] == 0 || !inside(y, x)) continue;
        const float* const from = source + ((b * height + static_cast<std::int64_t>(y)) * width +
                                            static_cast<std::int64_t>(x)) *
                                               block;
        for (std::int64_t i = 0; i < block; ++i) to[i] += weights[corner] * from[i];
      }
    }
  }
}

}  // namespace retinaface::runtime::cpu
