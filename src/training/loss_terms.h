#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>

#include "base/logistic.h"

namespace retinaface::training {

/// log(1 + exp(x)) that neither overflows nor loses small values.
inline double softplus(double x) {
  return std::max(x, 0.0) + std::log1p(std::exp(-std::abs(x)));
}

/// What an anchor's score learns by. Of the score p = sigmoid(d), d being the face's logit less the
/// other's, and what it should be, q in [0, 1]:
///   kCrossEntropy  CE = -q log p - (1 - q) log(1 - p)
///   kQualityFocal  |q - p|^2 CE   (quality focal loss, Li et al. 2020, Generalized Focal Loss)
enum class ScoreLoss { kCrossEntropy, kQualityFocal };

/// A loss and its derivative.
struct LossSlope {
  double value = 0;
  double slope = 0;
};

/// The loss of a score for the margin d of its logits and what it should be.
inline LossSlope score_loss(ScoreLoss kind, double margin, double wanted) {
  const double score = sigmoid(margin);
  const double error = score - wanted;
  const double entropy = wanted * softplus(-margin) + (1 - wanted) * softplus(margin);
  if (kind == ScoreLoss::kCrossEntropy) return {entropy, error};
  return {error * error * entropy, error * (2 * score * (1 - score) * entropy + error * error)};
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
