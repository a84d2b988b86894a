// Convolutions as products of patches. Included once for each instruction set.

#if defined(RETINAFACE_RUNTIME_KERNELS_DENSE_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef RETINAFACE_RUNTIME_KERNELS_DENSE_INL_H_
#undef RETINAFACE_RUNTIME_KERNELS_DENSE_INL_H_
#else
#define RETINAFACE_RUNTIME_KERNELS_DENSE_INL_H_
#endif

#include "runtime/kernels/dense.h"
#include "runtime/kernels/gemm-inl.h"
#include "runtime/kernels/gemm_bfloat16-inl.h"

HWY_BEFORE_NAMESPACE();
namespace retinaface::runtime::kernels::HWY_NAMESPACE {

/// Cells whose patches are gathered at once: the more there are, the less often all weights are
/// read, as long as the patches stay in the second cache.
inline std::int64_t dense_strip(const Dense& layer) {
  constexpr std::int64_t kStripFloats = 48 * 1024;
  constexpr std::int64_t kMaxCells = 16 * kCells;
  const std::int64_t patch = layer.kernel * layer.kernel * layer.in_channels;
  return std::clamp<std::int64_t>(kStripFloats / patch / kCells * kCells, kCells, kMaxCells);
}

/// Of the gathered patches, and of the places that one tap is at.
inline std::size_t dense_floats(const Dense& layer) {
  const std::int64_t strip = dense_strip(layer);
  const std::int64_t patch = layer.kernel * layer.kernel * layer.in_channels;
  return static_cast<std::size_t>(strip * (patch + 2));
}

/// Where in a plane of the input a tap is for `count` cells of the result from number `first` on,
/// in floats; -1 where it is outside. Rows of the result are `out_width` cells long.
inline void places_of_tap(const Dense& layer, const Map& in, std::int64_t tap, std::int64_t first,
                          std::int64_t count, std::int64_t out_width, std::int64_t* places) {
  std::int64_t row = first / out_width;
  std::int64_t column = first % out_width;
  for (std::int64_t i = 0; i < count; ++i) {
    const std::int64_t y = row * layer.stride - layer.padding + tap / layer.kernel;
    const std::int64_t x = column * layer.stride - layer.padding + tap % layer.kernel;
    const bool inside = y >= 0 && y < in.height && x >= 0 && x < in.width;
    places[i] = inside ? (y * in.width + x) * kBlock : -1;
    if (++column == out_width) {
      column = 0;
      ++row;
    }
  }
}

/// Products of `In`.
template <typename In>
inline void dense_by(const typename In::Weight* weights, const Dense& layer, const Map& in,
                     const BlockPointers& out, const Addend& addend, float* scratch) {
  const FloatTag d;
  const auto out_side = [&](std::int64_t side) {
    return (side + 2 * layer.padding - layer.kernel) / layer.stride + 1;
  };
  const std::int64_t out_width = out_side(in.width);
  const std::int64_t cells = out_side(in.height) * out_width;
  const std::int64_t taps = layer.kernel * layer.kernel;
  const std::int64_t strip = dense_strip(layer);
  const std::int64_t block_stride = strip * In::kValues;
  auto* const patches = reinterpret_cast<typename In::Weight*>(scratch);
  auto* const places = reinterpret_cast<std::int64_t*>(scratch + strip * taps * layer.in_channels);
  for (std::int64_t first = 0; first < cells;) {
    const std::int64_t pieces = (cells - first + strip - 1) / strip;
    const std::int64_t count = (cells - first + pieces - 1) / pieces;
    for (std::int64_t tap = 0; tap < taps; ++tap) {
      places_of_tap(layer, in, tap, first, count, out_width, places);
      for (std::int64_t b = 0; b < layer.in_channels / kBlock; ++b) {
        const float* const plane = in.data + b * in.block_stride;
        auto* const to = patches + (b * taps + tap) * block_stride;
        for (std::int64_t i = 0; i < count; ++i) {
          In::store(places[i] < 0 ? hn::Zero(d) : hn::Load(d, plane + places[i]),
                    to + i * In::kValues);
        }
      }
    }
    multiply_strip(In{patches, block_stride}, count, taps * layer.in_channels, layer.out_channels,
                   weights, layer.epilogue.bias.data(), layer.epilogue.slope.data(),
                   out.behind(first * kBlock), addend.behind(first * kBlock));
    first += count;
  }
}

/// The same by the layer's weights, whatever they are.
inline void dense(const Dense& layer, const Map& in, const BlockPointers& out, const Addend& addend,
                  float* scratch) {
  with_weights(layer.weights, [&](auto rows, const auto* weights) HWY_ATTR {
    dense_by<decltype(rows)>(weights, layer, in, out, addend, scratch);
  });
}

}  // namespace retinaface::runtime::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
