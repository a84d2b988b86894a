#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>

namespace retinaface::training {

/// log(1 + exp(x)) that neither overflows nor loses small values.
inline double softplus(double x) {
  return std::max(x, 0.0) + std::log1p(std::exp(-std::abs(x)));
}

inline double sigmoid(double x) {
  return x >= 0 ? 1 / (1 + std::exp(-x)) : std::exp(x) / (1 + std::exp(x));
}

/// The sum over `size` values of smooth-L1(d) = d^2 / (2 beta) for |d| < beta, |d| - beta / 2
/// beyond, of their distances from `wanted`; adds its derivatives times `factor` to `gradients`.
inline double smooth_l1(const float* values, const float* wanted, std::size_t size, double beta,
                        double factor, float* gradients) {
  double sum = 0;
  for (std::size_t i = 0; i < size; ++i) {
    const double distance = static_cast<double>(values[i]) - static_cast<double>(wanted[i]);
    const bool near = std::abs(distance) < beta;
    sum += near ? distance * distance / (2 * beta) : std::abs(distance) - beta / 2;
    const double slope = near ? distance / beta : std::copysign(1.0, distance);
    gradients[i] += static_cast<float>(factor * slope);
  }
  return sum;
}

/// The same of absolute distances.
inline double l1(const float* values, const float* wanted, std::size_t size, double factor,
                 float* gradients) {
  double sum = 0;
  for (std::size_t i = 0; i < size; ++i) {
    const double distance = static_cast<double>(values[i]) - static_cast<double>(wanted[i]);
    sum += std::abs(distance);
    if (distance != 0) gradients[i] += static_cast<float>(std::copysign(factor, distance));
  }
  return sum;
}

}  // namespace retinaface::training
