#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "runtime/torch/vector_loops.h"

// Batch normalisation and the leaky ReLU behind it as one step, forwards and backwards, on rows of
// adjacent channels. Together they are bound by memory traffic: one pass over the map for the
// statistics, one for the result, and two for the gradient, where the separate operators take
// seven. Plain loops that the compiler vectorises; each is compiled for several CPUs.
//
//   z = scale x + shift,  y = z > 0 ? z : slope z,   scale = weight / sqrt(var + epsilon),
//   shift = bias - scale mean
//   g = dL/dy (z > 0 ? 1 : slope)
//   dL/dx = scale (g - mean(g) - x^ mean(g x^)),  x^ = (x - mean) / sqrt(var + epsilon)
// (Ioffe and Szegedy 2015, with the activation's derivative folded into g.)
namespace retinaface::runtime {

/// Rows of a map in memory: `channels` adjacent values each, `stride` values from row to row.
template <typename T>
struct Rows {
  T* data = nullptr;
  std::int64_t count = 0;
  std::int64_t channels = 0;
  std::int64_t stride = 0;

  Rows slice(std::int64_t begin, std::int64_t end) const {
    return {data + begin * stride, end - begin, channels, stride};
  }
};

/// Per channel, adds the sums of (x - pivot) and (x - pivot)^2 to `sums` (first all sums, then all
/// squares). The pivot keeps the squares small where the mean is far from 0.
template <typename T>
void add_moments(Rows<const T> x, const float* pivot, double* sums);

/// y = activation(scale x + shift).
template <typename T>
void normalize(Rows<const T> x, const float* scale, const float* shift, float slope, Rows<T> y);

/// Per channel, adds the sums of g and of g (x - pivot) to `sums`.
template <typename T>
void add_gradient_moments(Rows<const T> x, Rows<const T> dy, const float* scale, const float* shift,
                          float slope, const float* pivot, double* sums);

/// dx = scale g + by_x x + constant.
template <typename T>
void normalize_backward(Rows<const T> x, Rows<const T> dy, const float* scale, const float* shift,
                        float slope, const float* by_x, const float* constant, Rows<T> dx);

}  // namespace retinaface::runtime
