#include "base/text.h"

#include <string>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace retinaface {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

std::vector<std::pair<int, std::string>> numbered(std::string_view text) {
  std::vector<std::pair<int, std::string>> lines;
  for_each_line(text, [&](std::string_view line, int number) { lines.emplace_back(number, line); });
  return lines;
}

TEST(Text, HasLinesWithNumbers) {
  using Line = std::pair<int, std::string>;
  EXPECT_THAT(numbered(""), IsEmpty());
  EXPECT_THAT(numbered("\n"), ElementsAre(Line(1, "")));
  EXPECT_THAT(numbered("a\n\nb"), ElementsAre(Line(1, "a"), Line(2, ""), Line(3, "b")));
  EXPECT_THAT(numbered("a\r\nb\n"), ElementsAre(Line(1, "a\r"), Line(2, "b")));
}

TEST(Text, IsThatOfBytes) {
  const std::vector<std::byte> bytes = {std::byte{'a'}, std::byte{0}, std::byte{0xFF}};
  EXPECT_EQ(text_of(bytes), std::string_view("a\0\xFF", 3));
  EXPECT_EQ(text_of({}), "");
}

}  // namespace
}  // namespace retinaface
