#pragma once

#include <filesystem>
#include <string>

namespace retinaface {
inline namespace internal {

/// Where a file is written until it is whole: beside it, its name with `ending`. A name that would
/// be longer than file systems take is cut, its checksum keeping apart those that begin alike.
std::filesystem::path part_beside(const std::filesystem::path& path, const std::string& ending);

}  // namespace internal
}  // namespace retinaface
