#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "base/wanted_file.h"

namespace retinaface {
inline namespace internal {

/// All that a pipe, a terminal or another device gives, for a descriptor that is open. Waits, but
/// not after `stop` has turned true; for the first bytes not after a signal that this thread
/// handles, either. Throws Error, `name` first: kUnreadable, also when stopped;
/// kTooLarge beyond `max_bytes`. What is not wanted (null: all is) is not read beyond its
/// beginning.
std::vector<std::byte> read_stream(int descriptor, const std::string& name, std::uint64_t max_bytes,
                                   const std::atomic<bool>& stop, IsWanted is_wanted = nullptr);

/// The same for one that has a path; also waits for a pipe's writer. Throws Error, kNotFound too.
std::vector<std::byte> read_stream(const std::filesystem::path& path, std::uint64_t max_bytes,
                                   const std::atomic<bool>& stop, IsWanted is_wanted = nullptr);

/// Opens what is there for writing, a pipe as soon as it has a reader: waits for one, but not after
/// `stop` has turned true. Returns the descriptor. Throws Error(kUnwritable) with the path.
int open_for_writing(const std::filesystem::path& path, const std::atomic<bool>& stop);

}  // namespace internal
}  // namespace retinaface
