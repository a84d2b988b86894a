#pragma once

#include <filesystem>
#include <string>

namespace retinaface {
inline namespace internal {

/// A file or folder beside another, of its name with `ending`. A name that would be longer than
/// file systems take is cut, its checksum keeping apart those that begin alike.
std::filesystem::path place_beside(const std::filesystem::path& path, const std::string& ending);

/// The file that writing to `path` is writing to: where a symbolic link leads, even to nothing yet.
std::filesystem::path written_target(const std::filesystem::path& path);

/// Where a file is written until it is whole: beside it, with a name that no other call has, of
/// this process or of another, on this machine or on one that shares the folder.
std::filesystem::path part_beside(const std::filesystem::path& path);

}  // namespace internal
}  // namespace retinaface
