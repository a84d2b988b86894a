#include "interchange/zip.h"

#include <set>

#include "base/text.h"
#include "support/testing.h"
#include "support/torch_writer.h"

namespace retinaface::interchange {
namespace {

using testing::error_of;
using ::testing::HasSubstr;
using testing::make_zip;

std::map<std::string, std::string> read(const std::string& archive) {
  std::map<std::string, std::string> files;
  for (const auto& [name, data] : read_zip(std::as_bytes(std::span(archive)), "file")) {
    files[name] = text_of(data);
  }
  return files;
}

const std::vector<std::pair<std::string, std::string>> kFiles = {
    {"a/data.pkl", "pickle"}, {"a/data/0", std::string(300, 'z')}, {"a/empty", ""}};

TEST(Zip, GivesWhatIsStored) {
  const std::map<std::string, std::string> expected(kFiles.begin(), kFiles.end());
  EXPECT_EQ(read(make_zip(kFiles)), expected);
  EXPECT_EQ(read(make_zip(kFiles, true)), expected);
  EXPECT_TRUE(read(make_zip({})).empty());

  std::string commented = make_zip(kFiles) + "the comment";
  commented[commented.size() - 11 - 2] = 11;
  EXPECT_EQ(read(commented), expected);
}

TEST(Zip, SeesEveryFlippedBitOfItsFiles) {
  std::string archive = make_zip({{"name", "content"}});
  const std::size_t begin = archive.find("content");
  for (std::size_t i = begin; i < begin + 7; ++i) {
    for (int bit = 0; bit < 8; ++bit) {
      archive[i] = static_cast<char>(archive[i] ^ (1 << bit));
      EXPECT_THAT(error_of([&] { read(archive); }).what(), HasSubstr("the checksum of name"));
      archive[i] = static_cast<char>(archive[i] ^ (1 << bit));
    }
  }
}

TEST(Zip, RefusesWhatItCannotRead) {
  const std::string archive = make_zip({{"name", "content"}});
  const std::size_t central = archive.find("PK\x01\x02");
  std::string compressed = archive;
  compressed[central + 10] = 8;
  EXPECT_EQ(error_of([&] { read(compressed); }).code(), ErrorCode::kUnsupported);
  std::string encrypted = archive;
  encrypted[central + 8] = 1;
  EXPECT_EQ(error_of([&] { read(encrypted); }).code(), ErrorCode::kUnsupported);

  EXPECT_THAT(error_of([&] {
                read(make_zip({{"a", "1"}, {"a", "2"}}));
              }).what(),
              HasSubstr("a is twice"));
  for (const bool zip64 : {false, true}) {
    const std::string whole = make_zip(kFiles, zip64);
    for (std::size_t length = 0; length < whole.size(); ++length) {
      EXPECT_EQ(error_of([&] { read(whole.substr(0, length)); }).code(), ErrorCode::kBadData);
    }
  }
}

TEST(Zip, DoesNotSumTheSameBytesManyTimes) {
  std::string archive = make_zip({{"a", std::string(1000, 'x')}, {"b", "y"}});
  // Makes b another name of a's data.
  const std::size_t a = archive.find("PK\x01\x02");
  const std::size_t b = archive.find("PK\x01\x02", a + 1);
  archive.replace(b + 16, 12, archive.substr(a + 16, 12));  // checksum and sizes
  archive.replace(b + 42, 4, archive.substr(a + 42, 4));    // place
  EXPECT_THAT(error_of([&] { read(archive); }).what(), HasSubstr("larger than the file"));
}

TEST(Zip, AFlippedBitIsRefusedOrChangesNoContent) {
  std::multiset<std::string> contents;
  for (const auto& [name, content] : kFiles) contents.insert(content);
  for (const bool zip64 : {false, true}) {
    std::string archive = make_zip(kFiles, zip64);
    for (std::size_t i = 0; i < archive.size() * 8; ++i) {
      archive[i / 8] = static_cast<char>(archive[i / 8] ^ (1 << i % 8));
      try {
        std::multiset<std::string> found;
        for (const auto& [name, content] : read(archive)) found.insert(content);
        EXPECT_EQ(found, contents) << i;  // the bit is a name's, or nobody looks at it
      } catch (const Error& error) {
        EXPECT_THAT(error.what(), ::testing::StartsWith("file: ")) << i;
      }
      archive[i / 8] = static_cast<char>(archive[i / 8] ^ (1 << i % 8));
    }
  }
}

}  // namespace
}  // namespace retinaface::interchange
