#include "base/cpu_quota.h"

#include <algorithm>
#include <fstream>
#include <sstream>
#include <string>
#include <string_view>

namespace retinaface {
inline namespace internal {
namespace {

namespace fs = std::filesystem;

/// Where a hierarchy of control groups can be looked at: its group `root` is the folder `folder`.
struct Mount {
  bool is_second_version = false;
  std::string root;
  std::string folder;
};

bool has_word(const std::string& list, std::string_view word) {
  std::istringstream words(list);
  for (std::string found; std::getline(words, found, ',');) {
    if (found == word) return true;
  }
  return false;
}

/// The mount that a line of /proc/self/mountinfo is about (proc(5)), if it limits CPUs.
std::optional<Mount> mount_of(const std::string& line) {
  std::istringstream words(line);
  std::string word;
  Mount mount;
  words >> word >> word >> word >> mount.root >> mount.folder;
  while (words >> word && word != "-") {
  }
  std::string type;
  std::string options;
  words >> type >> word >> options;
  mount.is_second_version = type == "cgroup2";
  if (mount.is_second_version || (type == "cgroup" && has_word(options, "cpu"))) return mount;
  return std::nullopt;
}

/// This process's group in the hierarchy, by /proc/self/cgroup (cgroups(7)).
std::optional<std::string> group_in(bool is_second_version, const fs::path& root) {
  std::ifstream file(root / "proc/self/cgroup");
  for (std::string line; std::getline(file, line);) {
    const std::size_t first = line.find(':');
    const std::size_t second = line.find(':', first + 1);
    if (second == std::string::npos) continue;
    const std::string controllers = line.substr(first + 1, second - first - 1);
    if (is_second_version ? line.starts_with("0::") : has_word(controllers, "cpu")) {
      return line.substr(second + 1);
    }
  }
  return std::nullopt;
}

/// The limit of one group alone.
std::optional<double> quota_of(const fs::path& group, bool is_second_version) {
  double quota = 0;
  double period = 0;
  if (is_second_version) {
    if (!(std::ifstream(group / "cpu.max") >> quota >> period)) return std::nullopt;  // "max ..."
  } else if (!(std::ifstream(group / "cpu.cfs_quota_us") >> quota) ||
             !(std::ifstream(group / "cpu.cfs_period_us") >> period)) {
    return std::nullopt;
  }
  if (!(quota > 0 && period > 0)) return std::nullopt;  // -1 is none
  return quota / period;
}

}  // namespace

std::optional<double> cpu_quota(const fs::path& root) {
  std::optional<double> result;
  std::ifstream mounts(root / "proc/self/mountinfo");
  for (std::string line; std::getline(mounts, line);) {
    const std::optional<Mount> mount = mount_of(line);
    if (!mount) continue;
    const auto group = group_in(mount->is_second_version, root);
    if (!group) continue;
    // In a container the group may be named as the host does, and the mount begin at it.
    fs::path below = fs::path(*group).lexically_relative(mount->root);
    if (below.empty() || *below.begin() == "..") below = ".";
    const fs::path top = root / fs::path(mount->folder).relative_path();
    for (;; below = below.parent_path()) {
      const auto quota = quota_of(top / below, mount->is_second_version);
      if (quota) result = std::min(*quota, result.value_or(*quota));
      if (below.empty() || below == ".") break;
    }
  }
  return result;
}

}  // namespace internal
}  // namespace retinaface
