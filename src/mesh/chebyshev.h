#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "mesh/laplacian.h"

namespace retinaface::mesh {

/// T_0(L~) x to T_(K-1)(L~) x, each (V, channels), one after the other:
///
///     x_0 = x,  x_1 = L~ x,  x_k = 2 L~ x_(k-1) - x_(k-2)
std::vector<float> chebyshev_terms(const ScaledLaplacian& laplacian, std::span<const float> x,
                                   std::size_t channels, std::size_t order);

/// Fast localised spectral convolution (Defferrard, Bresson and Vandergheynst 2016; RetinaFace,
/// section 3.2): y = sum over k of x_k theta_k, of x (V, inputs) to y (V, outputs). `theta` is
/// (order, inputs, outputs), row-major; a vertex sees those at most order - 1 edges away.
std::vector<float> chebyshev_convolution(const ScaledLaplacian& laplacian, std::span<const float> x,
                                         std::size_t inputs, std::span<const float> theta,
                                         std::size_t outputs, std::size_t order);

/// A map on the next finer level: each vertex the weighted mean of three coarser ones. `x` is (V of
/// the coarser level, channels).
std::vector<float> upsample(std::span<const UpsampledVertex> rows, std::span<const float> x,
                            std::size_t channels);

}  // namespace retinaface::mesh
