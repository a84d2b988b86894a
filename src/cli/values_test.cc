#include "cli/values.h"

#include <gtest/gtest.h>

namespace retinaface::cli {
namespace {

/// What a validator says of a text; "" if it takes it.
std::string fault(const CLI::Validator& validator, std::string text) {
  return validator(text);
}

TEST(Values, AreNumbersOfARange) {
  for (const char* good : {"0", "1", "0.25", "1e-3"}) EXPECT_EQ(fault(number(0, 1), good), "");
  for (const char* bad : {"nan", "-nan", "NaN", "inf", "-0.1", "1.01", "", "x", "0.5x", "1e999"}) {
    EXPECT_EQ(fault(number(0, 1), bad),
              "expected a number from 0 to 1, found '" + std::string(bad) + "'");
  }
  EXPECT_EQ(fault(number(0), "inf"), "expected a number of 0 or more, found 'inf'");
  EXPECT_EQ(fault(number(0, 3.5e38), "1e39"), "expected a number up to 3.5e+38, found '1e39'");
  EXPECT_EQ(fault(number(0), "1e300"), "");
}

TEST(Values, AreWholeNumbersOfARange) {
  EXPECT_EQ(fault(whole_number(1), "9223372036854775807"), "");
  EXPECT_EQ(fault(whole_number(1), "0"), "expected a whole number of 1 or more, found '0'");
  EXPECT_EQ(fault(whole_number(1, 9), "1.5"), "expected a whole number from 1 to 9, found '1.5'");
  EXPECT_NE(fault(whole_number(1), "99999999999999999999"), "");
  EXPECT_NE(fault(whole_number(0), "nan"), "");
}

TEST(Values, AreWordsOfAList) {
  EXPECT_EQ(fault(one_of({"a", "b"}), "b"), "");
  EXPECT_EQ(fault(one_of({"a", "b"}), "c\n"), "expected a, b, found 'c\\x0a'");
}

TEST(Values, AreFlags) {
  EXPECT_EQ(fault(flag_value(), "true"), "");
  EXPECT_EQ(fault(flag_value(), "false"), "");
  EXPECT_NE(fault(flag_value(), "3"), "");
}

TEST(Values, AreNamesOfFilesOfAKind) {
  const CLI::Validator report = name_ending_in({".json"});
  for (const char* good : {"a.json", "a.JSON", "a", "-", "/dev/stdout", "a.figures", "a.csv/b"}) {
    EXPECT_EQ(fault(report, good), "") << good;
  }
  for (const char* bad : {"a.csv", "a.jsonl", "a.png", "a.MP4", "a.safetensors", "a.nef"}) {
    EXPECT_NE(fault(report, bad), "") << bad;
  }
}

}  // namespace
}  // namespace retinaface::cli
