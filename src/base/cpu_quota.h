#pragma once

#include <filesystem>
#include <optional>

namespace retinaface {
inline namespace internal {

/// How many CPUs' time the control groups of this process (cgroups, versions 1 and 2) leave it, 2.5
/// for instance: the smallest limit of its own group and those above it. Nothing where there is no
/// limit, or none that can be read. `root` is the file system's, for tests.
std::optional<double> cpu_quota(const std::filesystem::path& root = "/");

}  // namespace internal
}  // namespace retinaface
