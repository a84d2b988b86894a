// ByteKernels::stem of bytes.h; for bytes-inl.h.

#pragma once

#include "runtime/kernels/bytes_border-inl.h"
#include "runtime/kernels/bytes_conversion-inl.h"
#include "runtime/kernels/bytes_product-inl.h"

namespace {

/// The places of byte_stem's scratch memory. Rows of the image are in two parts, pixels of even and
/// of odd columns, so that a vector of cells finds each tap's pixels side by side.
struct ByteStemRows {
  /// Before the first cell of a row: what is left of it, so that the first one is aligned.
  static constexpr std::int64_t kLead = 64 / kPixelBytes;

  explicit ByteStemRows(std::int64_t in_width)
      : cells(((in_width + 1) / 2 + 2 * Ops::kBlock - 1) / (2 * Ops::kBlock) * 2 * Ops::kBlock),
        stride(kLead + cells + kLead),
        pixels((in_width + kLead + kLead - 1) / kLead * kLead) {}

  std::int64_t cells;   ///< of a row of the result, for whole vectors
  std::int64_t stride;  ///< of words, of which each is a cell's, from one row to the next
  std::int64_t pixels;  ///< words of a row of the image that comes as floats

  /// Two parts of three rows of the image, a row of columns for each channel, two groups of four
  /// channels, each row behind a lead; the row of pixels, and the groups' offsets.
  std::int64_t words() const { return kLead + (6 + kStemChannels + 2) * stride + pixels + kLead; }
};

/// `width` pixels to the parts of a row: kPixelBytes each, in the network's order.
void split_pixels(const PixelSource& source, const std::uint8_t* from, std::int64_t width,
                  std::uint8_t* even, std::uint8_t* odd) {
  const std::int64_t size = bytes_per_pixel(source.image.format);
  // The byte of a pixel that each channel is, and, for those of four pixels at a time, the even
  // ones first, of 16 bytes. Beyond them is 0.
  std::uint8_t byte[3] = {0, 0, 0};
  alignas(16) std::uint8_t order[16];
  for (std::size_t c = 0; c < 3; ++c) {
    if (size > 1) byte[source.channel[c]] = static_cast<std::uint8_t>(c);
  }
  constexpr std::int64_t kPlace[4] = {0, 2, 1, 3};
  for (std::size_t i = 0; i < 4; ++i) {
    for (std::size_t c = 0; c < 3; ++c) {
      order[4 * i + c] = static_cast<std::uint8_t>(kPlace[i] * size + byte[c]);
    }
    order[4 * i + 3] = 0x80;
  }
  std::int64_t x = 0;
  for (; x + 4 <= width && x * size + 16 <= width * size; x += 4) {
    __builtin_prefetch(from + x * size + kPixelBytesAhead);
    Ops::split_pixels(from + x * size, order, even + x / 2 * kPixelBytes,
                      odd + x / 2 * kPixelBytes);
  }
  for (; x < width; ++x) {
    std::uint8_t* const to = (x % 2 == 0 ? even : odd) + x / 2 * kPixelBytes;
    for (std::int64_t c = 0; c < 3; ++c) to[c] = from[x * size + byte[c]];
    to[3] = 0;
  }
}

/// The first convolution: a row of all channels, whose bytes go into the columns of three rows that
/// the depthwise one reads. `taps`: the pixel of cell 0 at each.
void byte_stem_first(const ByteStem& layer, const std::uint8_t* const (&taps)[9],
                     std::int64_t cells, std::int32_t* columns, std::int64_t stride) {
  constexpr std::int64_t kB = Ops::kBlock;
  constexpr int kGroup = Ops::kStemVectors;  // of cells at once
  constexpr int kChannels = static_cast<int>(kStemChannels);
  for (std::int64_t x = 0; x < cells; x += kGroup * kB) {
    Ops::Int sums[kChannels][kGroup];
#pragma GCC unroll 8
    for (int c = 0; c < kChannels; ++c) {
#pragma GCC unroll 2
      for (int g = 0; g < kGroup; ++g) {
        sums[c][g] = Ops::set_int(layer.first.bias[static_cast<std::size_t>(c)]);
      }
    }
    for (int tap = 0; tap < 9; ++tap) {
      Ops::Int pixels[kGroup];
#pragma GCC unroll 2
      for (int g = 0; g < kGroup; ++g) {
        pixels[g] = Ops::load_any_int(taps[tap] + (x + g * kB) * kPixelBytes);
      }
      const auto* const weight = reinterpret_cast<const std::uint8_t*>(layer.first_weight.data()) +
                                 tap * kChannels * kPixelBytes;
#pragma GCC unroll 8
      for (int c = 0; c < kChannels; ++c) {
        const Ops::Int w = Ops::broadcast4(weight + c * kPixelBytes);
#pragma GCC unroll 2
        for (int g = 0; g < kGroup; ++g) sums[c][g] = Ops::dot(sums[c][g], pixels[g], w);
      }
    }
#pragma GCC unroll 8
    for (int c = 0; c < kChannels; ++c) {
      const auto channel = static_cast<std::size_t>(c);
      const Ops::Float scale = Ops::set(layer.first.scale[channel]);
      const Ops::Float leaky = Ops::set(layer.first.leaky[channel]);
      const Ops::Float offset = Ops::set(layer.first.offset[channel]);
#pragma GCC unroll 2
      for (int g = 0; g < kGroup; ++g) {
        const Ops::Float sum = Ops::to_float(sums[c][g]);
        const Ops::Int byte =
            Ops::to_bytes(Ops::max(Ops::fma(sum, scale, offset), Ops::fma(sum, leaky, offset)));
        std::int32_t* const at = columns + c * stride + x + g * kB;
        Ops::store_int(at, Ops::push(Ops::load_int(at), byte));
      }
    }
  }
}

/// The depthwise convolution: a row of bytes, in groups of four channels of a cell.
void byte_stem_depthwise(const ByteStem& layer, const std::int32_t* columns, std::int64_t stride,
                         std::int64_t cells, std::int32_t* groups) {
  constexpr std::int64_t kB = Ops::kBlock;
  for (std::int64_t group = 0; group < kStemChannels / 4; ++group) {
    for (std::int64_t x = 0; x < cells; x += kB) {
      Ops::Int bytes[4];
#pragma GCC unroll 4
      for (int i = 0; i < 4; ++i) {
        const auto c = static_cast<std::size_t>(4 * group + i);
        const auto* const weight =
            reinterpret_cast<const std::uint8_t*>(layer.depthwise_weight.data()) + c * 12;
        const std::int32_t* const at = columns + (4 * group + i) * stride + x;
        Ops::Int sum = Ops::set_int(layer.depthwise.bias[c]);
        sum = Ops::dot(sum, Ops::load_any_int(at - 1), Ops::broadcast4(weight));
        sum = Ops::dot(sum, Ops::load_any_int(at), Ops::broadcast4(weight + 4));
        sum = Ops::dot(sum, Ops::load_any_int(at + 1), Ops::broadcast4(weight + 8));
        const Ops::Float value = Ops::to_float(sum);
        const Ops::Float offset = Ops::set(layer.depthwise.offset[c]);
        bytes[i] =
            Ops::to_bytes(Ops::max(Ops::fma(value, Ops::set(layer.depthwise.scale[c]), offset),
                                   Ops::fma(value, Ops::set(layer.depthwise.leaky[c]), offset)));
      }
      Ops::store_int(groups + group * stride + x,
                     Ops::stack4(bytes[0], bytes[1], bytes[2], bytes[3]));
    }
  }
}

void byte_stem(const ByteStem& layer, const StemInput& in, const ByteMap* bytes,
               const FloatTarget* floats, const RowRange& range, std::int32_t* scratch) {
  const ByteStemRows rows(in.width);
  const std::int64_t height = (in.height + 1) / 2;
  const std::int64_t width = (in.width + 1) / 2;
  std::int32_t* const columns = scratch + 6 * rows.stride + ByteStemRows::kLead;
  std::int32_t* const groups = columns + kStemChannels * rows.stride;
  auto* const pixels = reinterpret_cast<std::uint8_t*>(groups + 2 * rows.stride);
  std::int32_t* const offsets = groups + 2 * rows.stride + rows.pixels;
  const std::uint8_t* const black = layer.image.zero.data();

  // Part 0 has the even columns.
  const auto part = [&](std::int64_t y, std::int64_t which) {
    return reinterpret_cast<std::uint8_t*>(scratch + ((y + 3) % 3 * 2 + which) * rows.stride +
                                           ByteStemRows::kLead);
  };
  /// Pixels [begin, end) of a row, as if there were no image.
  const auto fill = [&](std::int64_t y, std::int64_t begin, std::int64_t end) {
    for (std::int64_t x = begin; x < end; ++x) {
      std::memcpy(part(y, x % 2) + x / 2 * kPixelBytes, black, kPixelBytes);
    }
  };
  const auto load = [&](std::int64_t y) {
    std::int64_t there = 0;
    if (in.planes != nullptr) {
      if (y >= 0 && y < in.height) {
        there = in.width;
        image_row_to_bytes(layer.image, in.planes + y * in.width, in.height * in.width, in.width,
                           pixels);
        const PixelSource row = {{pixels, 0, 0, 0, PixelFormat::kRgba}, {0, 1, 2}, {}};
        split_pixels(row, pixels, there, part(y, 0), part(y, 1));
      }
    } else if (y >= 0 && y < in.pixels->image.height) {
      there = in.pixels->image.width;
      split_pixels(*in.pixels, in.pixels->image.row(static_cast<int>(y)), there, part(y, 0),
                   part(y, 1));
    }
    fill(y, there, 2 * width);
  };
  const auto zero_column = [&](std::int64_t c) {
    return std::int32_t{layer.first.zero[static_cast<std::size_t>(c)]} * 0x010101;
  };
  /// The first convolution's row y, below the rows that the columns have.
  const auto first_row = [&](std::int64_t y) {
    load(2 * y);
    load(2 * y + 1);
    const std::uint8_t* taps[9];
    for (std::int64_t r = 0; r < 3; ++r) {
      const std::int64_t from = 2 * y - 1 + r;
      taps[3 * r] = part(from, 1) - kPixelBytes;
      taps[3 * r + 1] = part(from, 0);
      taps[3 * r + 2] = part(from, 1);
    }
    byte_stem_first(layer, taps, rows.cells, columns, rows.stride);
    for (std::int64_t c = 0; c < kStemChannels; ++c) {
      columns[c * rows.stride + width] = zero_column(c);
    }
  };

  if (range.begin == 0) {
    for (std::int64_t i = 0; i < rows.words(); ++i) scratch[i] = 0;
    // What is left of each row stays so.
    for (std::int64_t y = 0; y < 3; ++y) {
      std::memcpy(part(y, 1) - kPixelBytes, black, kPixelBytes);
    }
    for (std::int64_t c = 0; c < kStemChannels; ++c) {
      std::int32_t* const row = columns + c * rows.stride;
      for (std::int64_t x = -1; x < rows.cells; ++x) row[x] = zero_column(c);
    }
    if (bytes != nullptr) {
      write_border(*bytes, layer.pointwise.out_channels, layer.pointwise.epilogue.zero.data());
    }
    load(-1);
    first_row(0);
  }
  offsets[0] = 0;
  offsets[1] = static_cast<std::int32_t>(rows.stride * kPixelBytes);
  const ByteRow row = {reinterpret_cast<const std::uint8_t*>(groups), offsets, 2};
  for (std::int64_t y = range.begin; y < range.end; ++y) {
    if (y + 1 < height) {
      first_row(y + 1);
    } else {
      for (std::int64_t c = 0; c < kStemChannels; ++c) {
        const Ops::Int zero = Ops::set_int(layer.first.zero[static_cast<std::size_t>(c)]);
        for (std::int64_t x = 0; x < rows.cells; x += Ops::kBlock) {
          std::int32_t* const at = columns + c * rows.stride + x;
          Ops::store_int(at, Ops::push(Ops::load_int(at), zero));
        }
        columns[c * rows.stride + width] = zero_column(c);
      }
    }
    byte_stem_depthwise(layer, columns, rows.stride, rows.cells, groups);
    byte_row<kPixelBytes>(layer.pointwise, row, width, row_target(bytes, floats, y, width));
  }
}

}  // namespace
