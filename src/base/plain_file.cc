#include "base/plain_file.h"

#include <system_error>

#include "base/check.h"
#include "base/file.h"

namespace retinaface {
inline namespace internal {

void expect_plain_file(const std::filesystem::path& path, ErrorCode code) {
  std::error_code ignored;
  if (!std::filesystem::is_other(std::filesystem::status(path, ignored))) return;
  fail(code, "{}: expected a file, found a pipe or a device", printable(path));
}

}  // namespace internal
}  // namespace retinaface
