#include "base/folder_lock.h"

#include <optional>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/file.h"
#include "support/testing.h"

namespace retinaface {
namespace {

using testing::error_of;
using ::testing::HasSubstr;

TEST(FolderLock, KeepsAFolderForOneUntilItsEnd) {
  const testing::TemporaryFolder folder;
  make_folders(folder / "other");
  std::optional<FolderLock> first(folder.path());
  const FolderLock other(folder / "other");
  const Error error = error_of([&] { FolderLock second(folder.path()); });
  EXPECT_EQ(error.code(), ErrorCode::kInvalidArgument);
  EXPECT_THAT(error.what(), HasSubstr("another run writes into it"));
  first.reset();
  const FolderLock second(folder.path());
}

TEST(FolderLock, RefusesWhatIsNoFolder) {
  const testing::TemporaryFolder folder;
  EXPECT_EQ(error_of([&] { FolderLock lock(folder / "missing"); }).code(), ErrorCode::kUnreadable);
}

}  // namespace
}  // namespace retinaface
