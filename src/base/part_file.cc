#include "base/part_file.h"

#include <fmt/format.h>

#include "base/crc32c.h"

namespace retinaface {
inline namespace internal {

std::filesystem::path part_beside(const std::filesystem::path& path, const std::string& ending) {
  constexpr std::size_t kMaxNameBytes = 255;
  std::string name = path.filename().string();
  if (name.size() + ending.size() > kMaxNameBytes) {
    const std::string checksum = fmt::format(".{:08x}", crc32c(name));
    name.resize(kMaxNameBytes - ending.size() - checksum.size());
    name += checksum;
  }
  return path.parent_path() / (name + ending);
}

}  // namespace internal
}  // namespace retinaface
