#pragma once

#include "runtime/kernels/kernels.h"

namespace retinaface::runtime::training_kernels {

// For training: many images at once, adjacent channels, parts of the work on different threads. On
// the instruction set of the kernels that a layer was made for.

using kernels::Kernels;
using kernels::Winograd;

/// Maps of several images, as training keeps them: N x height x width cells of adjacent channels,
/// which are whole blocks. Aligned to a cache line.
struct Batch {
  float* data = nullptr;
  std::int64_t images = 0;
  std::int64_t height = 0;
  std::int64_t width = 0;
  std::int64_t channels = 0;
};

/// The tiles of 4x4 cells that Winograd's algorithm divides a batch into, image after image.
std::int64_t winograd_tiles(const Batch& batch);

/// Tiles [begin, end) of the result; `scratch` is the thread's own.
void run(const Winograd& layer, const Batch& in, const Batch& out, std::int64_t begin,
         std::int64_t end, float* scratch);

/// The gradient of a 3x3 convolution's weights by those of its results, by the adjoint of
/// Winograd's algorithm: tiles of both maps are transformed, multiplied at each of 36 positions,
/// summed over all tiles, and only the sums are transformed back. Memory is the caller's,
/// zero-filled `sums`.
struct WinogradGradient {
  std::int64_t tiles = 0;      ///< worked on at once
  float* inputs = nullptr;     ///< winograd_gradient_floats(tiles, in channels)
  float* gradients = nullptr;  ///< winograd_gradient_floats(tiles, out channels)
  float* sums = nullptr;       ///< 36 x out x in
};

std::size_t winograd_gradient_floats(const Kernels& kernels, std::int64_t tiles,
                                     std::int64_t channels);

/// Transforms tiles [begin, end) of those worked on, which start at `first`.
void transform(const Kernels& kernels, const WinogradGradient& sums, const Batch& in,
               const Batch& gradient, std::int64_t first, std::int64_t begin, std::int64_t end);
/// Adds the products of the first `count` transformed tiles at one position.
void add_products(const Kernels& kernels, const WinogradGradient& sums, std::int64_t in_channels,
                  std::int64_t out_channels, std::int64_t count, std::int64_t position);
/// The gradients of the weights (out, in, 3, 3) of the outputs [begin, end).
void finish(const WinogradGradient& sums, std::int64_t in_channels, std::int64_t out_channels,
            std::int64_t begin, std::int64_t end, float* weight_gradient);

}  // namespace retinaface::runtime::training_kernels
