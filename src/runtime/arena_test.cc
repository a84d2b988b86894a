#include "runtime/arena.h"

#include <algorithm>
#include <random>

#include <gtest/gtest.h>

namespace retinaface::runtime {
namespace {

std::size_t aligned(std::size_t bytes) {
  return (bytes + kArenaAlignment - 1) / kArenaAlignment * kArenaAlignment;
}

/// Bytes alive at the busiest step: no plan can do with less.
std::size_t lower_bound(const std::vector<Lifetime>& pieces) {
  std::size_t maximum = 0;
  for (std::size_t step = 0; step < 200; ++step) {
    std::size_t alive = 0;
    for (const Lifetime& piece : pieces) {
      if (piece.first <= step && step <= piece.last) alive += aligned(piece.bytes);
    }
    maximum = std::max(maximum, alive);
  }
  return maximum;
}

void expect_sound(const std::vector<Lifetime>& pieces, const ArenaPlan& plan) {
  ASSERT_EQ(plan.offsets.size(), pieces.size());
  for (std::size_t i = 0; i < pieces.size(); ++i) {
    EXPECT_EQ(plan.offsets[i] % kArenaAlignment, 0U);
    EXPECT_LE(plan.offsets[i] + pieces[i].bytes, plan.bytes);
    for (std::size_t j = 0; j < i; ++j) {
      const bool together = pieces[i].first <= pieces[j].last && pieces[j].first <= pieces[i].last;
      const bool apart = plan.offsets[i] + pieces[i].bytes <= plan.offsets[j] ||
                         plan.offsets[j] + pieces[j].bytes <= plan.offsets[i];
      EXPECT_TRUE(!together || apart) << i << " and " << j;
    }
  }
}

TEST(Arena, ReusesWhatIsNoLongerNeeded) {
  // A chain: each map is read by the next step alone, so two places suffice.
  const std::vector<Lifetime> chain = {{640, 0, 1}, {640, 1, 2}, {640, 2, 3}, {640, 3, 4}};
  const ArenaPlan plan = plan_arena(chain);
  expect_sound(chain, plan);
  EXPECT_EQ(plan.bytes, 1280U);
}

TEST(Arena, RoundsUpAndTakesNothing) {
  EXPECT_EQ(plan_arena({}).bytes, 0U);
  EXPECT_EQ(plan_arena({{1, 0, 0}, {65, 0, 0}}).bytes, 192U);
  expect_sound({{0, 0, 5}, {64, 1, 1}, {0, 0, 0}}, plan_arena({{0, 0, 5}, {64, 1, 1}, {0, 0, 0}}));
}

TEST(Arena, KeepsApartWhatIsNeededAtOnceAndWastesLittle) {
  std::mt19937 random(1);
  double ratios = 0;
  constexpr int kRounds = 200;
  for (int round = 0; round < kRounds; ++round) {
    std::vector<Lifetime> pieces(1 + random() % 60);
    for (Lifetime& piece : pieces) {
      piece.bytes = random() % 10'000;
      piece.first = random() % 100;
      piece.last = piece.first + random() % 12;
    }
    const ArenaPlan plan = plan_arena(pieces);
    expect_sound(pieces, plan);
    const auto minimum = static_cast<double>(std::max<std::size_t>(lower_bound(pieces), 1));
    EXPECT_LE(static_cast<double>(plan.bytes), 1.5 * minimum);
    ratios += static_cast<double>(plan.bytes) / minimum;
  }
  EXPECT_LT(ratios / kRounds, 1.10);
}

}  // namespace
}  // namespace retinaface::runtime
