#include "base/content_hash.h"

#include <fstream>
#include <string>
#include <string_view>

#include <gtest/gtest.h>

#include "support/testing.h"

namespace retinaface {
namespace {

ContentHash hash_of(std::string_view text) {
  ContentHasher hasher;
  hasher.add(std::as_bytes(std::span(text)));
  return hasher.hash();
}

TEST(ContentHash, IsFnv1a) {
  // The published values of FNV-1a 128.
  EXPECT_EQ(hash_of(""), (ContentHash{0x6c62272e07bb0142, 0x62b821756295c58d}));
  EXPECT_EQ(hash_of("a"), (ContentHash{0xd228cb696f1a8caf, 0x78912b704e4a8964}));
  EXPECT_EQ(hash_of("foobar"), (ContentHash{0x343e1662793c64bf, 0x6f0d3597ba446f18}));
}

TEST(ContentHash, TellsPartsApart) {
  const auto counted = [](std::string_view a, std::string_view b) {
    ContentHasher hasher;
    hasher.add_counted(std::as_bytes(std::span(a)));
    hasher.add_counted(std::as_bytes(std::span(b)));
    return hasher.hash();
  };
  EXPECT_NE(counted("ab", "c"), counted("a", "bc"));
  EXPECT_EQ(counted("ab", "c"), counted("ab", "c"));
}

TEST(ContentHash, IsOfAWholeFile) {
  const testing::TemporaryFolder folder;
  for (const std::string& content : {std::string(), std::string(3'000'000, 'x')}) {
    std::ofstream(folder / "file", std::ios::binary) << content;
    EXPECT_EQ(hash_of_file(folder / "file"), hash_of(content));
  }
  EXPECT_EQ(testing::error_of([&] { hash_of_file(folder / "none"); }).code(),
            ErrorCode::kUnreadable);
}

}  // namespace
}  // namespace retinaface
