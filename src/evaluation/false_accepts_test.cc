#include "evaluation/false_accepts.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <random>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace retinaface::evaluation {
namespace {

/// The definition: of all thresholds the one that accepts the most same pairs among those that
/// accept few enough different ones.
double slow_tar(const PairScores& scores, double rate) {
  std::vector<float> thresholds = scores.same;
  thresholds.insert(thresholds.end(), scores.different.begin(), scores.different.end());
  thresholds.push_back(std::numeric_limits<float>::infinity());
  double best = 0;
  for (const float threshold : thresholds) {
    const auto accepted = [&](const std::vector<float>& similarities) {
      return static_cast<double>(
          std::ranges::count_if(similarities, [&](float s) { return s >= threshold; }));
    };
    const double far = accepted(scores.different) / static_cast<double>(scores.different_count());
    if (far > rate + 1e-12) continue;
    best = std::max(best, accepted(scores.same) / static_cast<double>(scores.same_count()));
  }
  return best;
}

TEST(FarRates, AreThoseOfTheDefinition) {
  std::mt19937 random(3);
  for (const std::size_t different : {5U, 10U, 99U, 1000U}) {
    PairScores scores;
    // Few values, so that many are equal.
    for (std::size_t i = 0; i < different; ++i) {
      scores.different.push_back(static_cast<float>(random() % 60) / 100);
    }
    for (int i = 0; i < 80; ++i) {
      scores.same.push_back(static_cast<float>(20 + random() % 60) / 100);
    }
    scores.same_missed = 7;
    const PairScores unsorted = scores;
    const FarRates rates = far_rates(scores);
    for (int power = kMinFarPower; power <= kMaxFarPower; ++power) {
      const double rate = std::pow(10.0, power);
      const auto& tar = rates.tar.at(power);
      ASSERT_EQ(tar.has_value(), rate * static_cast<double>(different) >= 1 - 1e-9);
      if (!tar) continue;
      EXPECT_DOUBLE_EQ(*tar, slow_tar(unsorted, rate));
      const float threshold = rates.threshold.at(power).value();
      const auto wrong =
          std::ranges::count_if(unsorted.different, [&](float s) { return s >= threshold; });
      EXPECT_LE(static_cast<double>(wrong), rate * static_cast<double>(different) + 1e-9);
      const auto right =
          std::ranges::count_if(unsorted.same, [&](float s) { return s >= threshold; });
      EXPECT_DOUBLE_EQ(*tar, static_cast<double>(right) / 87);
    }
    for (const RocPoint& point : log_roc(scores, 3)) {
      EXPECT_DOUBLE_EQ(point.tar, slow_tar(unsorted, point.far + 1e-9));
    }
  }
}

TEST(FarRates, CountMissedPairsAsRefused) {
  PairScores scores = {.same = {0.5F}, .different = {}, .same_missed = 1, .different_missed = 100};
  const FarRates rates = far_rates(scores);
  EXPECT_EQ(rates.tar.at(-1), 0.5);
  EXPECT_EQ(rates.tar.at(-2), 0.5);
  EXPECT_EQ(rates.tar.at(-3), std::nullopt);
  EXPECT_EQ(rates.threshold.at(-2), 0.5F);
}

}  // namespace
}  // namespace retinaface::evaluation
