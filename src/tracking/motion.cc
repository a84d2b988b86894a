#include "tracking/motion.h"

#include <algorithm>

namespace retinaface::tracking {
namespace {

// In sizes of the face: how far a detected box is off, how fast a face may be when it is first
// seen, and how much that changes from second to second; the size itself changes more slowly.
constexpr double kMeasured = 0.05;
constexpr double kFirstSpeed = 4;
constexpr double kAcceleration = 3;
constexpr double kFirstGrowth = 0.5;
constexpr double kGrowthChange = 0.5;

double size_of(const Box& box) {
  return std::max(1.0,
                  0.5 * (static_cast<double>(box.width()) + static_cast<double>(box.height())));
}

SteadyValue position(float value, double size) {
  return {value, kMeasured * size, kFirstSpeed * size};
}

SteadyValue extent(float value, double size) {
  return {value, kMeasured * size, kFirstGrowth * size};
}

}  // namespace

void SteadyValue::predict(double seconds, double acceleration) {
  const double density = acceleration * acceleration;
  value_ += rate_ * seconds;
  value_variance_ += seconds * (2 * covariance_ + seconds * rate_variance_) +
                     density * seconds * seconds * seconds / 3;
  covariance_ += seconds * rate_variance_ + density * seconds * seconds / 2;
  rate_variance_ += density * seconds;
}

void SteadyValue::update(double measured, double deviation) {
  const double innovation = measured - value_;
  const double variance = value_variance_ + deviation * deviation;
  const double value_gain = value_variance_ / variance;
  const double rate_gain = covariance_ / variance;
  value_ += value_gain * innovation;
  rate_ += rate_gain * innovation;
  rate_variance_ -= rate_gain * covariance_;
  covariance_ -= value_gain * covariance_;
  value_variance_ -= value_gain * value_variance_;
}

FaceMotion::FaceMotion(const Box& box)
    : x_(position(box.center().x, size_of(box))),
      y_(position(box.center().y, size_of(box))),
      width_(extent(box.width(), size_of(box))),
      height_(extent(box.height(), size_of(box))) {}

void FaceMotion::predict(double seconds) {
  const double size = size_px();
  x_.predict(seconds, kAcceleration * size);
  y_.predict(seconds, kAcceleration * size);
  width_.predict(seconds, kGrowthChange * size);
  height_.predict(seconds, kGrowthChange * size);
}

void FaceMotion::update(const Box& box) {
  const double deviation = kMeasured * size_of(box);
  x_.update(box.center().x, deviation);
  y_.update(box.center().y, deviation);
  width_.update(box.width(), deviation);
  height_.update(box.height(), deviation);
}

Box FaceMotion::box() const {
  const double width = std::max(width_.value(), 1.0);
  const double height = std::max(height_.value(), 1.0);
  return {static_cast<float>(x_.value() - width / 2), static_cast<float>(y_.value() - height / 2),
          static_cast<float>(x_.value() + width / 2), static_cast<float>(y_.value() + height / 2)};
}

double FaceMotion::size_px() const {
  return size_of(box());
}

}  // namespace retinaface::tracking
