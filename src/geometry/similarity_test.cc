#include "geometry/similarity.h"

#include <cmath>
#include <random>
#include <vector>

#include <gtest/gtest.h>

namespace retinaface {
namespace {

double squares(const Similarity& s, const std::vector<Point>& from, const std::vector<Point>& to) {
  double sum = 0;
  for (std::size_t i = 0; i < from.size(); ++i) {
    const Point p = s(from[i]);
    sum += std::pow(p.x - to[i].x, 2) + std::pow(p.y - to[i].y, 2);
  }
  return sum;
}

TEST(FitSimilarity, FindsTheOneThatWasApplied) {
  const Similarity applied = {1.2F, -0.7F, {30, -11}};
  const std::vector<Point> from = {{0, 0}, {10, 0}, {3, 8}, {-4, 5}, {7, 7}};
  std::vector<Point> to;
  for (const Point& p : from) to.push_back(applied(p));
  const Similarity found = fit_similarity(from, to);
  EXPECT_NEAR(found.a, applied.a, 1e-5);
  EXPECT_NEAR(found.b, applied.b, 1e-5);
  EXPECT_NEAR(found.shift.x, applied.shift.x, 1e-4);
  EXPECT_NEAR(found.shift.y, applied.shift.y, 1e-4);
}

TEST(FitSimilarity, NoNeighbourIsCloser) {
  std::mt19937 random(1);
  std::normal_distribution<float> normal(0, 10);
  for (int round = 0; round < 50; ++round) {
    std::vector<Point> from;
    std::vector<Point> to;
    for (int i = 0; i < 5; ++i) {
      from.push_back({normal(random), normal(random)});
      to.push_back({normal(random), normal(random)});
    }
    const Similarity best = fit_similarity(from, to);
    const double minimum = squares(best, from, to);
    for (const float d : {-0.01F, 0.01F}) {
      EXPECT_GE(squares({best.a + d, best.b, best.shift}, from, to), minimum);
      EXPECT_GE(squares({best.a, best.b + d, best.shift}, from, to), minimum);
      EXPECT_GE(squares({best.a, best.b, {best.shift.x + d, best.shift.y}}, from, to), minimum);
      EXPECT_GE(squares({best.a, best.b, {best.shift.x, best.shift.y + d}}, from, to), minimum);
    }
  }
}

TEST(FitSimilarity, ShiftsPointsInOnePlace) {
  const std::vector<Point> from = {{2, 3}, {2, 3}};
  const std::vector<Point> to = {{10, 10}, {12, 14}};
  EXPECT_EQ(fit_similarity(from, to)({2, 3}), (Point{11, 12}));
}

}  // namespace
}  // namespace retinaface
