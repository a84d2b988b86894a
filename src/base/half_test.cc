#include "base/half.h"

#include <cmath>
#include <limits>

#include <gtest/gtest.h>

namespace retinaface {
namespace {

TEST(Half, EqualsTheBitsThatTheStandardGives) {
  EXPECT_EQ(float_from_half(0x3C00), 1.0F);
  EXPECT_EQ(float_from_half(0xC000), -2.0F);
  EXPECT_EQ(float_from_half(0x7BFF), 65504.0F);     // the largest
  EXPECT_EQ(float_from_half(0x0400), 0x1p-14F);     // the smallest normal
  EXPECT_EQ(float_from_half(0x0001), 0x1p-24F);     // the smallest of all
  EXPECT_EQ(float_from_half(0x83FF), -0x3FFp-24F);  // the largest subnormal
  EXPECT_EQ(float_from_half(0x3555), 0x1.554p-2F);  // one third, rounded
  EXPECT_TRUE(std::signbit(float_from_half(0x8000)));
  EXPECT_EQ(float_from_half(0x8000), 0.0F);
  EXPECT_EQ(float_from_half(0xFC00), -std::numeric_limits<float>::infinity());
  EXPECT_TRUE(std::isnan(float_from_half(0x7E00)));
}

TEST(Half, BfloatIsTheUpperHalfOfAFloat) {
  EXPECT_EQ(float_from_bfloat16(0x3F80), 1.0F);
  EXPECT_EQ(float_from_bfloat16(0xC049), -3.140625F);
  EXPECT_EQ(float_from_bfloat16(0x7F80), std::numeric_limits<float>::infinity());
}

TEST(Half, BfloatIsRoundedToTheClosestAndToEven) {
  EXPECT_EQ(bfloat16_from_float(1), 0x3F80);
  EXPECT_EQ(bfloat16_from_float(-3.140625F), 0xC049);
  EXPECT_EQ(bfloat16_from_float(0x1.01p0F), 0x3F80);      // halfway, down to even
  EXPECT_EQ(bfloat16_from_float(0x1.03p0F), 0x3F82);      // halfway, up to even
  EXPECT_EQ(bfloat16_from_float(0x1.010002p0F), 0x3F81);  // more than halfway
  EXPECT_EQ(bfloat16_from_float(0x1.FFFFFEp0F), 0x4000);  // into the next power
}

}  // namespace
}  // namespace retinaface
