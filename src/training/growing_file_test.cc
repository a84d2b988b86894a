#include "training/growing_file.h"

#include <filesystem>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "retinaface/error.h"

#include "base/file.h"
#include "base/text.h"
#include "support/testing.h"

namespace retinaface::training {
namespace {

using testing::error_of;
using ::testing::HasSubstr;

TEST(GrowingFile, KeepsTheFirstBytesAndAppends) {
  const testing::TemporaryFolder folder;
  const auto path = folder / "log";
  GrowingFile(path, 0).append("first\nsecond\n");
  GrowingFile file(path, 6);
  EXPECT_EQ(file.bytes(), 6U);
  file.append("third\n");
  EXPECT_EQ(file.bytes(), 12U);
  const std::vector<std::byte> content = read_file(path);
  EXPECT_EQ(std::string(text_of(content)), "first\nthird\n");
}

TEST(GrowingFile, OfNoFileIsAnError) {
  const testing::TemporaryFolder folder;
  // A folder cannot be opened; a device can, and has no length.
  for (const std::filesystem::path& path : {folder.path(), std::filesystem::path("/dev/null")}) {
    const Error error = error_of([&] { const GrowingFile file(path, 0); });
    EXPECT_EQ(error.code(), ErrorCode::kUnwritable);
    EXPECT_THAT(error.what(), HasSubstr(printable(path) + ": cannot be written: "));
  }
}

}  // namespace
}  // namespace retinaface::training
