#include "tracking/matching.h"

#include <algorithm>
#include <numeric>
#include <random>
#include <set>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace retinaface::tracking {
namespace {

using ::testing::ElementsAre;

double sum_of(const std::vector<int>& pairs, const std::vector<Candidate>& candidates) {
  double sum = 0;
  for (const Candidate& pair : candidates) {
    if (pairs[static_cast<std::size_t>(pair.row)] == pair.column) sum += pair.weight;
  }
  return sum;
}

/// The largest sum, by trying all orders of the columns (rows may stay alone).
double max_sum(int rows, int columns, const std::vector<Candidate>& candidates) {
  const int size = rows + columns;  // room for every row to stay alone
  std::vector<int> order(static_cast<std::size_t>(size));
  std::iota(order.begin(), order.end(), 0);
  double best = 0;
  do {
    double sum = 0;
    for (const Candidate& pair : candidates) {
      if (order[static_cast<std::size_t>(pair.row)] == pair.column) sum += pair.weight;
    }
    best = std::max(best, sum);
  } while (std::ranges::next_permutation(order).found);
  return best;
}

TEST(Matching, TakesTheGreatestSumNotTheBestPairFirst) {
  // 0.9 first would leave row 1 alone.
  const std::vector<Candidate> candidates = {{0, 0, 0.9F}, {0, 1, 0.8F}, {1, 0, 0.7F}};
  EXPECT_THAT(best_pairs(2, 2, candidates), ElementsAre(1, 0));
}

TEST(Matching, LeavesAloneWhatHasNoCandidate) {
  EXPECT_THAT(best_pairs(3, 1, std::vector<Candidate>{{2, 0, 0.1F}}), ElementsAre(-1, -1, 0));
  EXPECT_TRUE(best_pairs(0, 4, {}).empty());
}

TEST(Matching, IsTheBestOfAllOrders) {
  std::mt19937 random(5);
  std::uniform_real_distribution<float> weight(0.01F, 1.0F);
  for (int round = 0; round < 150; ++round) {
    const int rows = 1 + static_cast<int>(random() % 4);
    const int columns = 1 + static_cast<int>(random() % 4);
    std::vector<Candidate> candidates;
    for (int r = 0; r < rows; ++r) {
      for (int c = 0; c < columns; ++c) {
        if (random() % 3 != 0) candidates.push_back({r, c, weight(random)});
      }
    }
    const std::vector<int> pairs = best_pairs(rows, columns, candidates);
    std::multiset<int> used;
    for (const int column : pairs) {
      if (column >= 0) used.insert(column);
    }
    for (const int column : used) EXPECT_EQ(used.count(column), 1U);
    EXPECT_NEAR(sum_of(pairs, candidates), max_sum(rows, columns, candidates), 1e-5);
  }
}

TEST(Matching, PairsLargeGroupsBestFirst) {
  // A chain of 600 rows, each near its own column and its neighbour's.
  std::vector<Candidate> candidates;
  for (int i = 0; i < 600; ++i) {
    candidates.push_back({i, i, 0.9F});
    if (i > 0) candidates.push_back({i, i - 1, 0.5F});
  }
  const std::vector<int> pairs = best_pairs(600, 600, candidates);
  for (int i = 0; i < 600; ++i) EXPECT_EQ(pairs[static_cast<std::size_t>(i)], i);
}

}  // namespace
}  // namespace retinaface::tracking
