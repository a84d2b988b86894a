#include "geometry/head_pose.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <numbers>

#include "geometry/check_landmarks.h"

namespace retinaface {
inline namespace internal {
namespace {

constexpr std::size_t kPoints = 5;
constexpr double kHold = 0.1;    // of yaw and pitch, per radian
constexpr double kUnlike = 1e3;  // a deviation of what has nothing of a head

using Turn = std::array<double, 3>;                     // yaw, pitch, roll; radians
using Residuals = std::array<double, 2 * kPoints + 2>;  // of the points, then what holds the turn
using Points = std::array<std::array<double, 2>, kPoints>;

/// Moved to their middle and scaled to a spread of 1.
Points normalized(const Landmarks& landmarks) {
  Points points{};
  for (std::size_t axis = 0; axis < 2; ++axis) {
    double mean = 0;
    for (std::size_t i = 0; i < kPoints; ++i) {
      points[i][axis] = axis == 0 ? landmarks[i].x : landmarks[i].y;
      mean += points[i][axis] / kPoints;
    }
    for (auto& point : points) point[axis] -= mean;
  }
  double squares = 0;
  for (const auto& [x, y] : points) squares += x * x + y * y;
  const double spread = std::sqrt(squares);
  for (auto& [x, y] : points) {
    x /= spread;
    y /= spread;
  }
  return points;
}

/// Where the turned head's points are seen, y down.
Points seen(const Turn& turn) {
  const auto [yaw, pitch, roll] = turn;
  Points points{};
  for (std::size_t i = 0; i < kPoints; ++i) {
    const auto& [x, y, z] = kMeanHead[i];
    const double rolled_x = std::cos(roll) * x + std::sin(roll) * y;
    const double rolled_y = -std::sin(roll) * x + std::cos(roll) * y;
    const double raised_y = std::cos(pitch) * rolled_y + std::sin(pitch) * z;
    const double raised_z = -std::sin(pitch) * rolled_y + std::cos(pitch) * z;
    points[i] = {std::cos(yaw) * rolled_x + std::sin(yaw) * raised_z, -raised_y};
  }
  return points;
}

/// The factor by which `head` comes closest to `points`, both about (0, 0).
double best_scale(const Points& head, const Points& points) {
  double together = 0;
  double squares = 0;
  for (std::size_t i = 0; i < kPoints; ++i) {
    for (std::size_t axis = 0; axis < 2; ++axis) {
      together += head[i][axis] * points[i][axis];
      squares += head[i][axis] * head[i][axis];
    }
  }
  return together / squares;
}

Residuals residuals(const Turn& turn, const Points& points) {
  const Points head = seen(turn);
  const double scale = best_scale(head, points);
  Residuals result{};
  for (std::size_t i = 0; i < kPoints; ++i) {
    for (std::size_t axis = 0; axis < 2; ++axis) {
      result[2 * i + axis] = scale * head[i][axis] - points[i][axis];
    }
  }
  result[2 * kPoints] = kHold * turn[0];
  result[2 * kPoints + 1] = kHold * turn[1];
  return result;
}

double sum_of_squares(const Residuals& values) {
  double sum = 0;
  for (const double value : values) sum += value * value;
  return sum;
}

/// Solves a x = b by Cramer's rule; a is positive definite.
Turn solve(const std::array<Turn, 3>& a, const Turn& b) {
  const auto determinant = [](const std::array<Turn, 3>& m) {
    return m[0][0] * (m[1][1] * m[2][2] - m[1][2] * m[2][1]) -
           m[0][1] * (m[1][0] * m[2][2] - m[1][2] * m[2][0]) +
           m[0][2] * (m[1][0] * m[2][1] - m[1][1] * m[2][0]);
  };
  const double whole = determinant(a);
  Turn x{};
  for (std::size_t column = 0; column < 3; ++column) {
    std::array<Turn, 3> replaced = a;
    for (std::size_t row = 0; row < 3; ++row) replaced[row][column] = b[row];
    x[column] = determinant(replaced) / whole;
  }
  return x;
}

/// The minimum that is reached from `turn`, and its sum of squares.
double minimize(const Points& points, Turn& turn) {
  constexpr int kMaxSteps = 60;
  constexpr double kDifference = 1e-5;
  constexpr double kEnough = 1e-12;
  double damping = 1e-3;
  Residuals now = residuals(turn, points);
  double cost = sum_of_squares(now);
  for (int step = 0; step < kMaxSteps; ++step) {
    std::array<Residuals, 3> slopes{};
    for (std::size_t k = 0; k < 3; ++k) {
      Turn above = turn;
      Turn below = turn;
      above[k] += kDifference;
      below[k] -= kDifference;
      const Residuals high = residuals(above, points);
      const Residuals low = residuals(below, points);
      for (std::size_t i = 0; i < now.size(); ++i) {
        slopes[k][i] = (high[i] - low[i]) / (2 * kDifference);
      }
    }
    std::array<Turn, 3> normal{};
    Turn gradient{};
    for (std::size_t k = 0; k < 3; ++k) {
      for (std::size_t l = 0; l < 3; ++l) {
        for (std::size_t i = 0; i < now.size(); ++i) normal[k][l] += slopes[k][i] * slopes[l][i];
      }
      normal[k][k] += damping;
      for (std::size_t i = 0; i < now.size(); ++i) gradient[k] -= slopes[k][i] * now[i];
    }
    const Turn change = solve(normal, gradient);
    const Turn next = {turn[0] + change[0], turn[1] + change[1], turn[2] + change[2]};
    const Residuals there = residuals(next, points);
    const double next_cost = sum_of_squares(there);
    if (!(next_cost < cost)) {
      damping *= 8;
      continue;
    }
    const bool is_enough = cost - next_cost < kEnough;
    turn = next;
    now = there;
    cost = next_cost;
    damping /= 4;
    if (is_enough) break;
  }
  return cost;
}

/// In (-pi, pi].
double wrapped(double angle) {
  return std::remainder(angle, 2 * std::numbers::pi);
}

}  // namespace

HeadFit fit_head(const Landmarks& landmarks) {
  check_landmarks(landmarks);
  const Points points = normalized(landmarks);
  const double roll = std::atan2(points[1][1] + points[4][1] - points[0][1] - points[3][1],
                                 points[1][0] + points[4][0] - points[0][0] - points[3][0]);
  Turn best{};
  double best_cost = 0;
  for (const double yaw : {0.0, -0.7, 0.7}) {
    Turn turn = {yaw, 0, roll};
    const double cost = minimize(points, turn);
    if (yaw != 0 && cost >= best_cost) continue;
    best = turn;
    best_cost = cost;
  }
  const Points head = seen(best);
  const double scale = best_scale(head, points);
  double squares = 0;
  for (std::size_t i = 0; i < kPoints; ++i) {
    for (std::size_t axis = 0; axis < 2; ++axis) {
      const double off = points[i][axis] / scale - head[i][axis];
      squares += off * off;
    }
  }
  // A head that is thrown back beyond the vertical looks the other way.
  auto [yaw, pitch, turned] = best;
  pitch = wrapped(pitch);
  if (std::abs(pitch) > std::numbers::pi / 2) {
    pitch = wrapped(std::numbers::pi - pitch);
    yaw += std::numbers::pi;
    turned += std::numbers::pi;
  }
  constexpr double kDegrees = 180 / std::numbers::pi;
  const double deviation = scale > 0 ? std::sqrt(squares / kPoints) : kUnlike;
  return {{static_cast<float>(kDegrees * wrapped(yaw)), static_cast<float>(kDegrees * pitch),
           static_cast<float>(kDegrees * wrapped(turned))},
          static_cast<float>(std::min(deviation, kUnlike))};
}

}  // namespace internal
}  // namespace retinaface
