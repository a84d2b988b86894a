#include "base/own_binary.h"

#include <filesystem>

#include <gtest/gtest.h>

#include "support/testing.h"

namespace retinaface {
namespace {

// That a library finds itself, tests/install_test.cc shows.
TEST(OwnBinary, IsTheProgramFromAnyWorkingDirectory) {
  const auto before = std::filesystem::current_path();
  const testing::TemporaryFolder folder;
  std::filesystem::current_path(folder.path());
  const OwnBinary binary = own_binary();
  std::filesystem::current_path(before);
  EXPECT_TRUE(binary.is_program);
  EXPECT_TRUE(binary.path.is_absolute());
  EXPECT_EQ(binary.path, std::filesystem::read_symlink("/proc/self/exe"));
}

}  // namespace
}  // namespace retinaface
