#pragma once

#include "retinaface/geometry.h"

namespace retinaface::tracking {

/// One quantity that moves at a nearly constant rate: a Kalman filter of value and rate whose
/// acceleration is white noise (Bar-Shalom, Li and Kirubarajan, "Estimation with Applications to
/// Tracking and Navigation", 2001, section 6.2.2).
class SteadyValue {
 public:
  /// Standard deviations of the first value and of the rate, which starts at 0.
  SteadyValue(double value, double value_deviation, double rate_deviation)
      : value_(value),
        value_variance_(value_deviation * value_deviation),
        rate_variance_(rate_deviation * rate_deviation) {}

  /// Goes `seconds` ahead; `acceleration` is the spectral density's root, units per s^1.5.
  void predict(double seconds, double acceleration);
  /// Takes in a measured value with its standard deviation, over 0.
  void update(double measured, double deviation);

  double value() const { return value_; }
  double rate() const { return rate_; }  ///< units per second

 private:
  double value_;
  double rate_ = 0;
  double value_variance_;
  double covariance_ = 0;
  double rate_variance_;
};

/// Where a face is and where it will be: centre, width and height of its box, each a SteadyValue.
/// All uncertainties are shares of the face's size, so that near and far faces behave alike. As in
/// SORT (Bewley et al., "Simple online and realtime tracking", 2016), but in seconds instead of
/// frames.
class FaceMotion {
 public:
  explicit FaceMotion(const Box& box);

  void predict(double seconds);
  void update(const Box& box);

  Box box() const;

 private:
  double size_px() const;

  SteadyValue x_, y_, width_, height_;
};

}  // namespace retinaface::tracking
