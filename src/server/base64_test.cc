#include "server/base64.h"

#include <span>
#include <string_view>

#include <gtest/gtest.h>

namespace retinaface::server {
namespace {

std::string encoded(std::string_view text) {
  return base64(std::as_bytes(std::span(text)));
}

/// The vectors of RFC 4648, section 10, and the digits that they do not have.
TEST(Base64, IsAsTheStandardHasIt) {
  EXPECT_EQ(encoded(""), "");
  EXPECT_EQ(encoded("f"), "Zg==");
  EXPECT_EQ(encoded("fo"), "Zm8=");
  EXPECT_EQ(encoded("foo"), "Zm9v");
  EXPECT_EQ(encoded("foob"), "Zm9vYg==");
  EXPECT_EQ(encoded("fooba"), "Zm9vYmE=");
  EXPECT_EQ(encoded("foobar"), "Zm9vYmFy");
  EXPECT_EQ(encoded("\xFB\xEF\xBE\xFF\xFF\xFF"), "++++////");
}

}  // namespace
}  // namespace retinaface::server
