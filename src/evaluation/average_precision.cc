#include "evaluation/average_precision.h"

#include <algorithm>
#include <numeric>

namespace retinaface::evaluation {

void PrecisionRecallCounts::add(std::span<const Step> steps, std::int64_t faces,
                                std::int64_t times) {
  faces_ += faces * times;
  for (const Step& step : steps) {
    const auto t = static_cast<std::size_t>(step.threshold);
    detections_[t] += step.detections * times;
    found_[t] += step.found * times;
  }
}

void PrecisionRecallCounts::add(const PrecisionRecallCounts& other) {
  faces_ += other.faces_;
  for (std::size_t t = 0; t < kThresholds; ++t) {
    detections_[t] += other.detections_[t];
    found_[t] += other.found_[t];
  }
}

std::int64_t PrecisionRecallCounts::found() const {
  return std::accumulate(found_.begin(), found_.end(), std::int64_t{0});
}

Curve PrecisionRecallCounts::curve() const {
  Curve curve;
  curve.recall.reserve(kThresholds);
  curve.precision.reserve(kThresholds);
  std::int64_t detections = 0;
  std::int64_t found = 0;
  const auto ratio = [](std::int64_t part, std::int64_t whole) {
    return whole > 0 ? static_cast<double>(part) / static_cast<double>(whole) : 0.0;
  };
  for (std::size_t t = 0; t < kThresholds; ++t) {
    detections += detections_[t];
    found += found_[t];
    curve.recall.push_back(ratio(found, faces_));
    curve.precision.push_back(ratio(found, detections));
  }
  return curve;
}

double average_precision(const Curve& curve) {
  double area = 0;
  double best_precision = 0;
  // From the largest recall down, so that the best precision of all greater recalls is at hand.
  for (std::size_t t = curve.recall.size(); t-- > 0;) {
    best_precision = std::max(best_precision, curve.precision[t]);
    const double recall_before = t > 0 ? curve.recall[t - 1] : 0.0;
    area += (curve.recall[t] - recall_before) * best_precision;
  }
  return area;
}

}  // namespace retinaface::evaluation
