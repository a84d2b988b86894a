#pragma once

#include <filesystem>

namespace retinaface {
inline namespace internal {

/// Keeps a folder for one process that writes a run into it; no file tells of it, and it ends with
/// the process, however that ends. Where the file system has no locks it keeps nothing.
class FolderLock {
 public:
  /// Throws Error, the folder first: kInvalidArgument where another process (or another object of
  /// this one) has it, kUnreadable where it cannot be opened.
  explicit FolderLock(const std::filesystem::path& folder);
  ~FolderLock();
  FolderLock(const FolderLock&) = delete;
  FolderLock& operator=(const FolderLock&) = delete;

 private:
  int descriptor_;
};

}  // namespace internal
}  // namespace retinaface
