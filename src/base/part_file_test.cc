#include "base/part_file.h"

#include <filesystem>
#include <fstream>
#include <string>

#include <gtest/gtest.h>

#include "base/file.h"
#include "support/testing.h"

namespace retinaface {
namespace {

TEST(PartFile, HasANameThatFileSystemsTake) {
  EXPECT_EQ(place_beside("a/b.jpg", ".part"), "a/b.jpg.part");
  EXPECT_EQ(place_beside("b.jpg", ".part"), "b.jpg.part");
  const std::string name(250, 'n');
  EXPECT_EQ(place_beside(name, ".part").native(), name + ".part");  // 255 bytes
  const auto longer = place_beside("a/" + name + "1.jp", ".part");
  EXPECT_EQ(longer.filename().native().size(), 255U);
  EXPECT_NE(longer, place_beside("a/" + name + "2.jp", ".part"));
}

TEST(PartFile, LetsTheLongestNamesBeWritten) {
  const testing::TemporaryFolder folder;
  const auto file = folder / std::string(255, 'n');
  write_file_atomically(file, std::string("text"));
  EXPECT_EQ(read_file(file).size(), 4U);
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(folder.path()), {}), 1);
}

TEST(PartFile, IsToldByItsName) {
  EXPECT_TRUE(is_part_name(part_beside("a/v.mkv")));
  EXPECT_TRUE(is_part_name("v.mkv.0123abcd-12.part"));
  for (const char* other : {"v.part", "v.mkv.part", "v.0123abcd-.part", "v.0123abcx-1.part",
                            "v0123abcd-1.part", ".0123abcd-1.part", "v.0123abcd-1.mkv"}) {
    EXPECT_FALSE(is_part_name(other)) << other;
  }
}

TEST(PartFile, TakesNoPlaceOfADescriptor) {
  const testing::TemporaryFolder folder;
  EXPECT_FALSE(can_be_replaced("/dev/stdout"));
  EXPECT_FALSE(can_be_replaced("/proc/self/fd/1"));
  EXPECT_TRUE(can_be_replaced(folder / "new"));
  std::filesystem::create_symlink("new", folder / "link");
  EXPECT_FALSE(can_be_replaced(folder / "link"));  // written through
  std::ofstream(folder / "new") << "text";
  EXPECT_TRUE(can_be_replaced(folder / "new"));
  EXPECT_TRUE(can_be_replaced(folder / "link"));
  EXPECT_FALSE(can_be_replaced(folder.path()));
}

}  // namespace
}  // namespace retinaface
