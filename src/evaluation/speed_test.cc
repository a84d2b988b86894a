#include "evaluation/speed.h"

#include <gtest/gtest.h>

namespace retinaface::evaluation {
namespace {

TEST(Speed, SpreadHasQuarters) {
  const Spread spread = spread_of({9, 1, 5, 3, 7});
  EXPECT_EQ(spread.runs, 5U);
  EXPECT_EQ(spread.min_ms, 1);
  EXPECT_EQ(spread.quarter_ms, 3);
  EXPECT_EQ(spread.median_ms, 5);
  EXPECT_EQ(spread.three_quarters_ms, 7);
}

}  // namespace
}  // namespace retinaface::evaluation
