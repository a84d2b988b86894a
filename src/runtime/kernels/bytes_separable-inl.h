// ByteKernels::separable of bytes.h; for bytes-inl.h.

#pragma once

#include "runtime/kernels/bytes_border-inl.h"
#include "runtime/kernels/bytes_product-inl.h"

namespace {

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

}  // namespace
