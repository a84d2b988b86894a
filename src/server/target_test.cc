#include "server/target.h"

#include <string>
#include <utility>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace retinaface::server {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Pair;

TEST(Target, HasPathAndQuery) {
  const auto target = parse_target("/v1/detect?min-score=0.5&clip&&scales=1%2C2&a=b=c&=x");
  ASSERT_TRUE(target);
  EXPECT_EQ(target->path, "/v1/detect");
  EXPECT_THAT(target->query, ElementsAre(Pair("min-score", "0.5"), Pair("clip", ""),
                                         Pair("scales", "1,2"), Pair("a", "b=c"), Pair("", "x")));
  EXPECT_THAT(parse_target("/?")->query, IsEmpty());
}

TEST(Target, EscapesAreTakenOut) {
  EXPECT_EQ(parse_target("/a%2fb%20c+d")->path, "/a/b c+d");
  EXPECT_THAT(parse_target("/?a+b=%2B+%c3%a9")->query, ElementsAre(Pair("a b", "+ \xC3\xA9")));
  for (const char* text : {"/%", "/%2", "/%zz", "/%+1", "/%-1", "/?a=%x1", "/?%=1"}) {
    EXPECT_FALSE(parse_target(text)) << text;
  }
}

TEST(Target, MayStandBehindAHost) {
  EXPECT_EQ(parse_target("http://localhost:8080/healthz?x")->path, "/healthz");
  EXPECT_EQ(parse_target("http://localhost")->path, "/");
  EXPECT_EQ(parse_target("/x://y")->path, "/x://y");
  EXPECT_EQ(parse_target("/a#b?c")->path, "/a");
}

TEST(Target, OthersAreNone) {
  for (const char* text : {"", "*", "v1/detect", "localhost:80"}) {
    EXPECT_FALSE(parse_target(text)) << text;
  }
}

}  // namespace
}  // namespace retinaface::server
