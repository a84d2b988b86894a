#include "geometry/head_pose.h"

#include <cmath>
#include <cstddef>
#include <limits>
#include <numbers>
#include <tuple>

#include <gtest/gtest.h>

#include "support/testing.h"

namespace retinaface {
namespace {

/// Where the mean head's points are seen at a pose, by matrices written out anew: of eye distance
/// `scale`, its middle at (x, y).
Landmarks seen_at(const HeadPose& pose, double scale = 60, double x = 300, double y = 200) {
  constexpr double kDegrees = std::numbers::pi / 180;
  const double cy = std::cos(pose.yaw * kDegrees);
  const double sy = std::sin(pose.yaw * kDegrees);
  const double cp = std::cos(pose.pitch * kDegrees);
  const double sp = std::sin(pose.pitch * kDegrees);
  const double cr = std::cos(pose.roll * kDegrees);
  const double sr = std::sin(pose.roll * kDegrees);
  // The rows of Ry(yaw) Rx(-pitch) Rz(-roll) that are seen.
  const double right[3] = {cy * cr + sy * sp * sr, cy * sr - sy * sp * cr, sy * cp};
  const double up[3] = {-cp * sr, cp * cr, sp};
  Landmarks points{};
  for (std::size_t i = 0; i < points.size(); ++i) {
    const HeadPoint& p = kMeanHead[i];
    points[i] = {static_cast<float>(x + scale * (right[0] * p.x + right[1] * p.y + right[2] * p.z)),
                 static_cast<float>(y - scale * (up[0] * p.x + up[1] * p.y + up[2] * p.z))};
  }
  return points;
}

double turn_between(float a, float b) {
  return std::abs(std::remainder(double{a} - double{b}, 360));
}

TEST(FitHead, FindsTheTurnAtWhichAHeadIsSeen) {
  for (const float yaw : {-70.0F, -40.0F, -10.0F, 0.0F, 25.0F, 60.0F}) {
    for (const float pitch : {-30.0F, 0.0F, 15.0F, 35.0F}) {
      for (const float roll : {-170.0F, -45.0F, 0.0F, 20.0F, 90.0F}) {
        const HeadFit fit = fit_head(seen_at({yaw, pitch, roll}));
        // What holds yaw and pitch makes them a little less than they are.
        EXPECT_NEAR(fit.pose.yaw, yaw, 0.5 + 0.05 * std::abs(yaw)) << pitch << " " << roll;
        EXPECT_NEAR(fit.pose.pitch, pitch, 0.5 + 0.08 * std::abs(pitch)) << yaw << " " << roll;
        EXPECT_LT(turn_between(fit.pose.roll, roll), 2) << yaw << " " << pitch;
        EXPECT_LT(fit.deviation, 0.03);
      }
    }
  }
}

TEST(FitHead, SizeAndPlaceMakeNoDifference) {
  const HeadPose pose = {20, -10, 5};
  const HeadFit fit = fit_head(seen_at(pose));
  for (const auto& [scale, x, y] : {std::tuple(6.0, 9.0, 9.0), {3000.0, -50000.0, 80000.0}}) {
    const HeadFit other = fit_head(seen_at(pose, scale, x, y));
    EXPECT_NEAR(other.pose.yaw, fit.pose.yaw, 0.1);
    EXPECT_NEAR(other.pose.pitch, fit.pose.pitch, 0.1);
    EXPECT_NEAR(other.deviation, fit.deviation, 1e-3);
  }
}

TEST(FitHead, AMirroredHeadLooksToTheOtherSide) {
  const Landmarks points = {{{100, 110}, {150, 100}, {138, 132}, {112, 160}, {150, 152}}};
  const HeadFit fit = fit_head(points);
  Landmarks mirrored = {points[1], points[0], points[2], points[4], points[3]};
  for (Point& p : mirrored) p.x = 640 - p.x;
  const HeadFit other = fit_head(mirrored);
  EXPECT_GT(fit.pose.yaw, 10);
  EXPECT_NEAR(other.pose.yaw, -fit.pose.yaw, 0.01);
  EXPECT_NEAR(other.pose.pitch, fit.pose.pitch, 0.01);
  EXPECT_NEAR(other.pose.roll, -fit.pose.roll, 0.01);
  EXPECT_NEAR(other.deviation, fit.deviation, 1e-4);
}

TEST(FitHead, APointThatMovesAwayDeviatesEverMore) {
  for (std::size_t moved = 0; moved < 5; ++moved) {
    float before = 0;
    for (const float distance_px : {0.0F, 10.0F, 20.0F, 40.0F, 80.0F}) {
      Landmarks points = seen_at({0, 0, 0});
      points[moved].y += moved < 2 ? -distance_px : distance_px;
      points[moved].x += distance_px / 3;
      const float now = fit_head(points).deviation;
      EXPECT_GE(now, before) << moved << " by " << distance_px;
      before = now;
    }
    EXPECT_GT(before, 0.08) << moved;
  }
}

TEST(FitHead, PointsThatAreNoHeadHaveAnAnswerToo) {
  constexpr float kNothing = std::numeric_limits<float>::quiet_NaN();
  for (const Landmarks& points :
       {Landmarks{}, Landmarks{{{kNothing, 1}, {2, 3}}}, Landmarks{{{1e30F, 1}, {2, 3}}}}) {
    EXPECT_STREQ(testing::error_of([&] { fit_head(points); }).what(),
                 "landmarks: expected five points of a face");
  }
  for (const Landmarks& points :
       {Landmarks{{{0, 0}, {1, 0}, {2, 0}, {3, 0}, {4, 0}}},
        Landmarks{{{0, 0}, {0, 0}, {0, 0}, {0, 0}, {1e-20F, 0}}},
        Landmarks{{{9, 0}, {0, 0}, {5, 5}, {0, 9}, {9, 9}}}}) {  // the eyes exchanged
    const HeadFit fit = fit_head(points);
    EXPECT_TRUE(std::isfinite(fit.pose.yaw) && std::isfinite(fit.pose.pitch) &&
                std::isfinite(fit.pose.roll) && std::isfinite(fit.deviation));
    EXPECT_LE(std::abs(fit.pose.pitch), 90);
    EXPECT_GT(fit.deviation, 0.1);
  }
}

}  // namespace
}  // namespace retinaface
