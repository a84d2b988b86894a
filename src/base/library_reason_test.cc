#include "base/library_reason.h"

#include <string>

#include <gtest/gtest.h>

namespace retinaface {
namespace {

TEST(LibraryReason, HasNoNamesOfLibraries) {
  EXPECT_EQ(library_reason("[json.exception.parse_error.101] parse error at line 1"),
            "parse error at line 1");
  EXPECT_EQ(library_reason("[error] toml::parse_key: an invalid key appeared.\n --> x.toml"),
            "an invalid key appeared.");
  EXPECT_EQ(library_reason("plain [text] toml::x"), "plain [text] toml::x");
  EXPECT_EQ(library_reason(""), "");
  EXPECT_EQ(library_reason("[no end"), "[no end");
}

}  // namespace
}  // namespace retinaface
