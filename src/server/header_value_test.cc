#include "server/header_value.h"

#include <array>
#include <string>
#include <string_view>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace retinaface::server {
namespace {

using ::testing::ElementsAre;
using ::testing::Eq;
using ::testing::IsEmpty;
using ::testing::Optional;
using ::testing::Pair;

TEST(HeaderValue, HasParameters) {
  const HeaderValue value =
      parse_header_value(R"( Form-Data ; NAME="a;\"b\\" ;x=y; filename=b.jpg ; z)");
  EXPECT_EQ(value.value, "form-data");
  EXPECT_THAT(value.parameters,
              ElementsAre(Pair("name", "a;\"b\\"), Pair("x", "y"), Pair("filename", "b.jpg")));
  EXPECT_EQ(*value.parameter("x"), "y");
  EXPECT_EQ(value.parameter("z"), nullptr);
}

TEST(HeaderValue, OfAnythingIsSomething) {
  for (const char* text : {"", ";", "\"", "a=\"", "a;b=\"\\", ";;=;=", "a;=b"}) {
    parse_header_value(text);
  }
  EXPECT_EQ(parse_header_value("").value, "");
  EXPECT_THAT(parse_header_value("a;b").parameters, IsEmpty());
}

/// What a service that makes these would answer.
std::optional<std::size_t> choose(std::string_view accept) {
  static constexpr std::array<std::string_view, 3> kOffered = {"application/json", "image/jpeg",
                                                               "image/png"};
  return choose_media_type(accept, kOffered);
}

TEST(MediaType, IsWhatIsAskedForMost) {
  EXPECT_THAT(choose(""), Optional(Eq(0U)));
  EXPECT_THAT(choose("*/*"), Optional(Eq(0U)));
  EXPECT_THAT(choose("image/jpeg"), Optional(Eq(1U)));
  EXPECT_THAT(choose("image/*"), Optional(Eq(1U)));
  EXPECT_THAT(choose("IMAGE/PNG"), Optional(Eq(2U)));
  EXPECT_THAT(choose("image/png, */*;q=0.1"), Optional(Eq(2U)));
  EXPECT_THAT(choose("application/json;q=0.5, image/png;q=0.8"), Optional(Eq(2U)));
  EXPECT_THAT(choose("text/html, application/json;q=0.9"), Optional(Eq(0U)));
}

TEST(MediaType, TheClosestRangeCounts) {
  EXPECT_THAT(choose("image/*;q=0.9, image/jpeg;q=0.1, application/json;q=0.5"), Optional(Eq(2U)));
  EXPECT_THAT(choose("*/*, application/json;q=0"), Optional(Eq(1U)));
}

TEST(MediaType, NoneOfThemIsNothing) {
  for (const char* accept :
       {"text/html", "application/json;q=0", "image/jpeg;q=nan", "*/*;q=7", "json", ","}) {
    EXPECT_FALSE(choose(accept)) << accept;
  }
}

}  // namespace
}  // namespace retinaface::server
