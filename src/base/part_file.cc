#include "base/part_file.h"

#include <atomic>
#include <cstdint>
#include <random>
#include <string_view>
#include <system_error>

#include <fmt/format.h>
#include <sys/stat.h>

#include "base/crc32c.h"

namespace retinaface {
inline namespace internal {

std::filesystem::path place_beside(const std::filesystem::path& path, const std::string& ending) {
  constexpr std::size_t kMaxNameBytes = 255;
  std::string name = path.filename().string();
  if (name.size() + ending.size() > kMaxNameBytes) {
    const std::string checksum = fmt::format(".{:08x}", crc32c(name));
    name.resize(kMaxNameBytes - ending.size() - checksum.size());
    name += checksum;
  }
  return path.parent_path() / (name + ending);
}

std::filesystem::path written_target(const std::filesystem::path& path) {
  std::error_code ignored;
  if (!std::filesystem::is_symlink(std::filesystem::symlink_status(path, ignored))) return path;
  std::filesystem::path target = std::filesystem::weakly_canonical(path, ignored);
  return target.empty() ? path : target;
}

bool can_be_replaced(const std::filesystem::path& path) {
  std::error_code ignored;
  const std::string whole =
      std::filesystem::absolute(path, ignored).lexically_normal().generic_string();
  if (whole.starts_with("/dev/") || whole.starts_with("/proc/")) return false;
  const std::filesystem::path target = written_target(path);
  struct stat there {};
  struct stat itself {};
  if (::stat(path.c_str(), &there) != 0) return ::lstat(target.c_str(), &itself) != 0;
  return ::lstat(target.c_str(), &itself) == 0 && S_ISREG(itself.st_mode) &&
         itself.st_dev == there.st_dev && itself.st_ino == there.st_ino;
}

std::filesystem::path part_beside(const std::filesystem::path& path) {
  static const std::uint32_t process = std::random_device()();
  static std::atomic<unsigned> calls{0};
  return place_beside(path, fmt::format(".{:08x}-{}.part", process, ++calls));
}

bool is_part_name(const std::filesystem::path& path) {
  constexpr std::string_view kEnding = ".part";
  constexpr std::size_t kProcessDigits = 8;
  constexpr std::string_view kDigits = "0123456789abcdef";
  const std::string name = path.filename().string();
  std::string_view rest = name;
  if (!rest.ends_with(kEnding)) return false;
  rest.remove_suffix(kEnding.size());
  const std::size_t dash = rest.find_last_not_of("0123456789");
  if (dash == std::string_view::npos || dash + 1 == rest.size() || rest[dash] != '-') return false;
  rest = rest.substr(0, dash);
  return rest.size() > kProcessDigits + 1 && rest[rest.size() - kProcessDigits - 1] == '.' &&
         rest.substr(rest.size() - kProcessDigits).find_first_not_of(kDigits) ==
             std::string_view::npos;
}

void take_permissions(const std::filesystem::path& part, const std::filesystem::path& replaced) {
  namespace fs = std::filesystem;
  std::error_code error;
  const fs::file_status status = fs::status(replaced, error);
  // Where the file system has none, there is nothing to keep.
  if (fs::is_regular_file(status))
    fs::permissions(part, status.permissions() & fs::perms::all, error);
}

}  // namespace internal
}  // namespace retinaface
