#include "base/part_file.h"

#include <atomic>
#include <cstdint>
#include <random>
#include <system_error>

#include <fmt/format.h>

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

std::filesystem::path part_beside(const std::filesystem::path& path) {
  static const std::uint32_t process = std::random_device()();
  static std::atomic<unsigned> calls{0};
  return place_beside(path, fmt::format(".{:08x}-{}.part", process, ++calls));
}

}  // namespace internal
}  // namespace retinaface
