#include "base/folder_lock.h"

#include <cerrno>

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include "base/check.h"
#include "base/file.h"

namespace retinaface {
inline namespace internal {

FolderLock::FolderLock(const std::filesystem::path& folder)
    : descriptor_(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)) {
  if (descriptor_ < 0) {
    fail(ErrorCode::kUnreadable, "{}: cannot be opened as a folder", printable(folder));
  }
  if (::flock(descriptor_, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK) {
    ::close(descriptor_);
    fail(ErrorCode::kInvalidArgument,
         "{}: another run writes into it now; wait for its end or choose another folder",
         printable(folder));
  }
}

FolderLock::~FolderLock() {
  ::close(descriptor_);
}

}  // namespace internal
}  // namespace retinaface
