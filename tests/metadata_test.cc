// What written images have of the metadata of their inputs, as exiftool sees it.

#include <cstdlib>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <set>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support/testing.h"

namespace retinaface {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;
using ::testing::IsSubsetOf;

class Metadata : public ::testing::Test {
 protected:
  void SetUp() override {
    if (testing::run("exiftool -ver").exit_code != 0) {
      GTEST_SKIP() << "needs exiftool (Debian's libimage-exiftool-perl)";
    }
  }

  /// The tags of a file's metadata and what they say, without those of its pixels' coding.
  json tags_of(const fs::path& path) const {
    const testing::CommandResult result = testing::run(
        "exiftool -json -EXIF:all -XMP:all -IPTC:all -MakerNotes:all '" + path.string() + "'");
    json tags = json::parse(result.output).at(0);
    tags.erase("SourceFile");
    return tags;
  }

  const testing::TemporaryFolder folder_;
};

TEST_F(Metadata, OfWrittenImagesIsTimeAndCopyrightAlone) {
  const fs::path from = testing::fixture_folder() / "metadata";
  ASSERT_TRUE(tags_of(from / "a.jpg").contains("GPSLatitude"));
  ASSERT_TRUE(tags_of(from / "a.jpg").contains("ThumbnailImage"));
  for (const std::string how : {"--blur", "--draw", "--draw --blur"}) {
    const fs::path out = folder_ / how;
    const testing::CommandResult result =
        testing::run("cd '" + from.string() + "' && '" RETINAFACE_PROGRAM "' detect . " + how +
                     " --out '" + out.string() + "'");
    ASSERT_EQ(result.exit_code, 0) << result.errors;
    for (const char* name : {"a.jpg", "a.webp", "a.png", "a.avif.png", "a.tif.png"}) {
      json tags = tags_of(out / name);
      EXPECT_EQ(tags.value("DateTimeOriginal", ""), "2024:05:01 12:34:56") << name;
      EXPECT_EQ(tags.value("OffsetTimeOriginal", ""), "+02:00") << name;
      EXPECT_EQ(tags.value("SubSecTimeOriginal", json()), json(250)) << name;
      EXPECT_EQ(tags.value("Artist", ""), "A. Author") << name;
      EXPECT_EQ(tags.value("Copyright", ""), "(c) M\u00fcller") << name;
      std::set<std::string> names;
      for (const auto& [tag, value] : tags.items()) names.insert(tag);
      EXPECT_THAT(names, IsSubsetOf({"DateTimeOriginal", "OffsetTimeOriginal", "SubSecTimeOriginal",
                                     "Artist", "Copyright", "CreatorTool"}))
          << name;
    }
  }
}

TEST_F(Metadata, OfImagesWithoutAnyIsNone) {
  const testing::CommandResult result =
      testing::run("cd '" + testing::sample_folder().string() +
                   "' && '" RETINAFACE_PROGRAM "' detect portrait.jpg --blur --out '" +
                   (folder_ / "out").string() + "'");
  ASSERT_EQ(result.exit_code, 0) << result.errors;
  EXPECT_EQ(tags_of(folder_ / "out/portrait.jpg"), json::object());
}

}  // namespace
}  // namespace retinaface
