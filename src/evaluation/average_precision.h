#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <vector>

#include "evaluation/wider_protocol.h"

namespace retinaface::evaluation {

/// Precision over recall, one point per threshold, by falling threshold: recall never falls.
/// Fractions in [0, 1]. Precision is 0 where no detection counts yet.
struct Curve {
  std::vector<double> recall;
  std::vector<double> precision;
};

/// Sums what images add to a curve.
class PrecisionRecallCounts {
 public:
  /// `faces`: how many faces count in the image, found or not. `times` counts it repeatedly (a
  /// bootstrap sample draws an image more than once).
  void add(std::span<const Step> steps, std::int64_t faces, std::int64_t times = 1);
  void add(const PrecisionRecallCounts& other);

  std::int64_t faces() const { return faces_; }
  /// Faces found at the lowest threshold, that is by all detections given.
  std::int64_t found() const;
  Curve curve() const;

 private:
  std::int64_t faces_ = 0;
  std::array<std::int64_t, kThresholds> detections_{};
  std::array<std::int64_t, kThresholds> found_{};
};

/// Area under the curve by the rule of PASCAL VOC since 2010, which WIDER's evaluator uses: the
/// precision at a recall is the best at that or any greater recall. In [0, 1].
double average_precision(const Curve& curve);

}  // namespace retinaface::evaluation
