#include "base/origin_seal.h"

#include <filesystem>
#include <fstream>
#include <string>

#include <gtest/gtest.h>

#include "base/file.h"
#include "base/text.h"
#include "support/testing.h"

namespace retinaface {
namespace {

using testing::error_of;
using testing::TemporaryFolder;

std::string content_of(const std::filesystem::path& path) {
  const std::vector<std::byte> bytes = read_file(path);
  return std::string(text_of(bytes));
}

class OriginSeal : public ::testing::Test {
 protected:
  bool is_sealed_text(const std::string& text) const {
    std::ofstream(folder_ / "f", std::ios::binary) << text;
    return is_sealed(folder_ / "f");
  }

  TemporaryFolder folder_;
};

TEST_F(OriginSeal, IsBrokenByAnyChange) {
  const std::string text = sealed("<a>" + open_mark() + "</a>\n");
  EXPECT_EQ(text.size(), open_mark().size() + 8);
  EXPECT_TRUE(is_sealed_text(text));
  for (std::size_t i = 0; i < text.size(); ++i) {
    std::string changed = text;
    changed[i] ^= 1;
    EXPECT_FALSE(is_sealed_text(changed)) << changed;
  }
  EXPECT_FALSE(is_sealed_text(text + " "));
  EXPECT_FALSE(is_sealed_text(text.substr(1)));
  EXPECT_FALSE(is_sealed_text("<a>" + open_mark() + "</a>\n"));
  EXPECT_FALSE(is_sealed_text("written by retinaface"));
  EXPECT_FALSE(is_sealed_text(text.substr(0, 40)));
  EXPECT_FALSE(is_sealed_text(""));
  EXPECT_FALSE(is_sealed(folder_ / "none"));
}

TEST_F(OriginSeal, OfTextInParts) {
  Sealer sealer;
  sealer.add("[1,");
  sealer.add(" 2,");
  EXPECT_TRUE(is_sealed_text("[1, 2," + sealer.end(" \"" + open_mark() + "\"]")));
}

TEST_F(OriginSeal, IsTheLastMarkOfAText) {
  const std::string foreign = sealed("A file \"" + open_mark() + "\"");
  const std::string text = sealed(foreign + " and " + open_mark() + " of ours " + open_mark());
  EXPECT_TRUE(text.starts_with(foreign + " and " + open_mark() + " of ours "));
  EXPECT_TRUE(is_sealed_text(text));
}

TEST_F(OriginSeal, StandsAtEitherEndOfALargeFile) {
  const std::string bulk(3 << 20, 'x');
  for (const std::string& text : {open_mark() + bulk, bulk + open_mark()}) {
    std::ofstream(folder_ / "video", std::ios::binary) << text;
    seal_file(folder_ / "video");
    const std::string whole = content_of(folder_ / "video");
    EXPECT_EQ(whole, sealed(text));
    EXPECT_TRUE(is_sealed(folder_ / "video"));
    std::string changed = whole;
    changed[changed.size() / 2] = 'y';
    EXPECT_FALSE(is_sealed_text(changed));
  }
  EXPECT_FALSE(is_sealed_text(sealed(bulk + open_mark() + bulk)));
}

TEST_F(OriginSeal, IsNotMadeWhereTheFileCannotBeWritten) {
  EXPECT_EQ(error_of([&] { seal_file(folder_ / "none"); }).code(), ErrorCode::kUnwritable);
}

}  // namespace
}  // namespace retinaface
