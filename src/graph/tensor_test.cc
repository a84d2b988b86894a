#include "graph/tensor.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include <gtest/gtest.h>

namespace retinaface::graph {
namespace {

/// What a pattern of 16 bits stands for by IEEE 754's definition, in double precision.
double meaning(unsigned bits, int exponent_bits) {
  const int mantissa_bits = 15 - exponent_bits;
  const int bias = (1 << (exponent_bits - 1)) - 1;
  const int exponent = static_cast<int>(bits >> mantissa_bits) & ((1 << exponent_bits) - 1);
  const int mantissa = static_cast<int>(bits) & ((1 << mantissa_bits) - 1);
  const double sign = (bits >> 15) != 0 ? -1 : 1;
  if (exponent == (1 << exponent_bits) - 1) {
    return mantissa == 0 ? sign * std::numeric_limits<double>::infinity()
                         : std::numeric_limits<double>::quiet_NaN();
  }
  const int leading = exponent == 0 ? 0 : 1 << mantissa_bits;
  return sign * std::ldexp(leading + mantissa, std::max(exponent, 1) - bias - mantissa_bits);
}

/// Counts the patterns that do not become the float32 of the same value.
template <typename Stored>
int wrong_patterns(int exponent_bits) {
  constexpr std::int64_t kPatterns = 65536;
  Tensor stored = Tensor::of_shape({kPatterns}, data_type_of<Stored>());
  for (unsigned bits = 0; bits < kPatterns; ++bits) {
    stored.values<Stored>()[bits].bits = static_cast<std::uint16_t>(bits);
  }
  const Tensor converted = as_float32(stored);
  int wrong = 0;
  for (unsigned bits = 0; bits < kPatterns; ++bits) {
    const double expected = meaning(bits, exponent_bits);
    const double actual = double{converted.values()[bits]};
    const bool same = std::isnan(expected)
                          ? std::isnan(actual)
                          : actual == expected && std::signbit(actual) == std::signbit(expected);
    wrong += same ? 0 : 1;
  }
  return wrong;
}

TEST(Tensor, EveryFloat16BecomesTheSameFloat32) {
  EXPECT_EQ(wrong_patterns<Float16>(5), 0);
}

TEST(Tensor, EveryBFloat16BecomesTheSameFloat32) {
  EXPECT_EQ(wrong_patterns<BFloat16>(8), 0);
}

TEST(Tensor, HasAsManyElementsAsItsShapeSays) {
  for (const DataType type : {DataType::kFloat32, DataType::kFloat16, DataType::kBFloat16}) {
    const Tensor tensor = Tensor::of_shape({2, 3, 5}, type);
    EXPECT_EQ(tensor.size(), 30U);
    EXPECT_EQ(tensor.bytes.size(), 30 * element_bytes(type));
  }
  EXPECT_EQ(Tensor::of_shape({}).size(), 1U);
  EXPECT_EQ(Tensor::of_shape({4, 0}, DataType::kFloat16).size(), 0U);
}

TEST(TensorDeathTest, ElementsOfAnotherTypeAreNotGivenOut) {
  const Tensor tensor = Tensor::of_shape({4}, DataType::kBFloat16);
  EXPECT_DEATH(tensor.values(), "type == data_type_of");
  EXPECT_DEATH(tensor.values<Float16>(), "type == data_type_of");
}

TEST(Tensor, ACloneIsApartFromItsOriginal) {
  Tensor original = Tensor::of_shape({2}, DataType::kFloat16);
  original.values<Float16>()[1].bits = 7;
  const Tensor copy = original.clone();
  original.values<Float16>()[1].bits = 8;
  EXPECT_EQ(copy.type, DataType::kFloat16);
  EXPECT_EQ(copy.values<Float16>()[1].bits, 7);
}

}  // namespace
}  // namespace retinaface::graph
