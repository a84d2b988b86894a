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

/// Whether another file may be put in the place of what `path` leads to: a regular file, or nothing
/// yet, but not by a link, which is written through. The name of a descriptor (/dev/stdout,
/// /proc/self/fd/1) says where it leads, but not that whoever holds it sees what is put there; and
/// what it leads to may have no name.
bool can_be_replaced(const std::filesystem::path& path);

/// Where a file is written until it is whole: beside it, with a name that no other call has, of
/// this process or of another, on this machine or on one that shares the folder.
std::filesystem::path part_beside(const std::filesystem::path& path);

/// Whether a file has such a name: what a run that was killed has left.
bool is_part_name(const std::filesystem::path& path);

/// Gives a part the permissions of the file that it is to replace, if there is one: who may read
/// and write a file does not change by its being written anew.
void take_permissions(const std::filesystem::path& part, const std::filesystem::path& replaced);

}  // namespace internal
}  // namespace retinaface
