#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>

#include "detection/anchors.h"
#include "models/catalogue.h"

namespace retinaface::training {

/// What a box learns by. Of the box B that the offsets stand for (detection/box_coding.h), the
/// face's G, the smallest box C around both, their centres' distance r and C's diagonal c:
///   kSmoothL1  smooth-L1 of each offset, as LossOptions has it
///   kGiou      1 - IoU + (|C| - |B u G|) / |C|   (Rezatofighi et al. 2019)
///   kDiou      1 - IoU + r^2 / c^2               (Zheng et al. 2020)
/// The last two are of the box as a whole and the same for faces of all sizes.
enum class BoxLoss { kSmoothL1, kGiou, kDiou };

namespace box_loss {

/// One axis of two boxes, and of what is made of them; derivatives are by the start and the end of
/// the first box.
struct Axis {
  Axis(double begin, double end, double other_begin, double other_end)
      : length(end - begin),
        other_length(other_end - other_begin),
        shared(std::max(std::min(end, other_end) - std::max(begin, other_begin), 0.0)),
        whole(std::max(end, other_end) - std::min(begin, other_begin)),
        center_distance((begin + end - other_begin - other_end) / 2) {
    if (shared > 0) d_shared = {begin > other_begin ? -1.0 : 0.0, end < other_end ? 1.0 : 0.0};
    d_whole = {begin < other_begin ? -1.0 : 0.0, end > other_end ? 1.0 : 0.0};
  }

  double length;
  double other_length;
  double shared;           // of the part that both have
  double whole;            // of the stretch that holds both
  double center_distance;  // its derivative is 1/2 by either
  std::array<double, 2> d_shared = {0, 0};
  std::array<double, 2> d_whole = {0, 0};
};

/// A value and its derivatives by an axis' start and end.
struct Slopes {
  std::array<double, 2> by_x;
  std::array<double, 2> by_y;
};

}  // namespace box_loss

/// The box that `offsets` stand for, held against a face's.
class BoxFit {
 public:
  /// The face's box must have an area.
  BoxFit(const detection::Anchor& anchor, const float* offsets, const Box& face,
         const models::AnchorFamily& family)
      : shift_(static_cast<double>(family.center_variance * anchor.size_px)),
        variance_(static_cast<double>(family.size_variance)),
        half_width_(half_side(anchor, offsets[2])),
        half_height_(half_side(anchor, offsets[3])),
        x_(axis(static_cast<double>(anchor.center.x), offsets[0], half_width_, face.x0, face.x1)),
        y_(axis(static_cast<double>(anchor.center.y), offsets[1], half_height_, face.y0, face.y1)),
        shared_(x_.shared * y_.shared),
        united_(x_.length * y_.length + x_.other_length * y_.other_length - shared_) {}

  double iou() const { return shared_ / united_; }

  /// The loss, whose derivatives by the four offsets times `factor` are added to `gradients`.
  double loss(BoxLoss kind, double factor, float* gradients) const {
    double value = 1 - iou();
    box_loss::Slopes slopes{};
    for (std::size_t i = 0; i < 2; ++i) {
      const double sign = i == 0 ? -1 : 1;  // the length by its start, and by its end
      const auto ratio_slope = [](double a, double da, double b, double db) {
        return (da * b - a * db) / (b * b);
      };
      const auto slope = [&](const box_loss::Axis& along, const box_loss::Axis& across) {
        const double d_shared = along.d_shared[i] * across.shared;
        const double d_united = sign * across.length - d_shared;
        double result = -ratio_slope(shared_, d_shared, united_, d_united);
        if (kind == BoxLoss::kGiou) {
          const double around = along.whole * across.whole;
          result -= ratio_slope(united_, d_united, around, along.d_whole[i] * across.whole);
        } else {
          result += ratio_slope(distance(), along.center_distance, diagonal(),
                                2 * along.whole * along.d_whole[i]);
        }
        return result;
      };
      slopes.by_x[i] = slope(x_, y_);
      slopes.by_y[i] = slope(y_, x_);
    }
    if (kind == BoxLoss::kGiou) {
      value += 1 - united_ / (x_.whole * y_.whole);
    } else {
      value += distance() / diagonal();
    }
    const auto add = [&](std::size_t at, const std::array<double, 2>& by, double half_side) {
      gradients[at] += static_cast<float>(factor * shift_ * (by[0] + by[1]));
      gradients[at + 2] += static_cast<float>(factor * variance_ * half_side * (by[1] - by[0]));
    };
    add(0, slopes.by_x, half_width_);
    add(1, slopes.by_y, half_height_);
    return value;
  }

 private:
  /// A side beyond e^8 times the anchor's, which an untrained network may yield, counts as that:
  /// it stays finite and still pulls the right way.
  double half_side(const detection::Anchor& anchor, float offset) const {
    constexpr double kMaxLog = 8;
    return static_cast<double>(anchor.size_px) *
           std::exp(std::clamp(static_cast<double>(offset) * variance_, -kMaxLog, kMaxLog)) / 2;
  }

  box_loss::Axis axis(double anchor, float offset, double half, float begin, float end) const {
    const double center = anchor + static_cast<double>(offset) * shift_;
    return {center - half, center + half, static_cast<double>(begin), static_cast<double>(end)};
  }

  double distance() const {
    return x_.center_distance * x_.center_distance + y_.center_distance * y_.center_distance;
  }
  double diagonal() const { return x_.whole * x_.whole + y_.whole * y_.whole; }

  double shift_;
  double variance_;
  double half_width_;
  double half_height_;
  box_loss::Axis x_;
  box_loss::Axis y_;
  double shared_;
  double united_;
};

}  // namespace retinaface::training
