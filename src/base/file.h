#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace retinaface {
inline namespace internal {

/// The path as it goes into a message: control characters and invalid bytes escaped, so that one
/// error stays one line.
std::string printable(const std::filesystem::path& path);

/// The start of a text that a file contains (a name, a word), for a message: escaped as by
/// printable, and at most some 100 characters of it.
std::string excerpt(std::string_view text);

// What a path leads to, links followed. False too where it cannot be told: no permission, a name
// that no file can have.
bool path_exists(const std::filesystem::path& path) noexcept;
bool file_exists(const std::filesystem::path& path) noexcept;
bool folder_exists(const std::filesystem::path& path) noexcept;

inline constexpr std::uint64_t kMaxReadBytes = std::uint64_t{4} << 30;

/// The whole of a plain file (plain_file.h), such as one that was found in a folder or is read more
/// than once. Throws Error, the path first: kNotFound, kUnreadable (a folder, a pipe, a device, no
/// permission), kTooLarge beyond `max_bytes`.
std::vector<std::byte> read_file(const std::filesystem::path& path,
                                 std::uint64_t max_bytes = kMaxReadBytes);

/// The same of a file that the user has named and that is read once: it may be a pipe
/// (`<(command)`), a terminal or /dev/null, of which kMaxPipeBytes are read at most. Waits for a
/// pipe's writer, as read_stream does, until asked_to_end().
std::vector<std::byte> read_named_file(const std::filesystem::path& path,
                                       std::uint64_t max_bytes = kMaxReadBytes);
inline constexpr std::uint64_t kMaxPipeBytes = std::uint64_t{1} << 30;

/// Makes the folder and those above it where they are missing. Throws Error(kUnwritable) with the
/// path.
void make_folders(const std::filesystem::path& path);

/// Replaces the file as a whole: a reader sees the old or the new content, never a part, even if
/// the process is killed in between. Of a link, the file that it leads to is replaced; a pipe, a
/// terminal or another device is written to. Throws Error(kUnwritable) with the path.
void write_file_atomically(const std::filesystem::path& path, std::span<const std::byte> content);
void write_file_atomically(const std::filesystem::path& path, const std::string& content);

}  // namespace internal
}  // namespace retinaface
