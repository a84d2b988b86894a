#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <vector>

namespace retinaface {
inline namespace internal {

/// Tells by the first kBeginningBytes of a file, or by all of a shorter one, whether the rest of it
/// is to be read: who wants images alone need not hold gigabytes of anything else to find that out.
using IsWanted = bool (*)(std::span<const std::byte> beginning);
inline constexpr std::size_t kBeginningBytes = 4096;

/// read_named_file, but of a file that is not wanted the beginning alone.
std::vector<std::byte> read_wanted_file(const std::filesystem::path& path, std::uint64_t max_bytes,
                                        IsWanted is_wanted);

}  // namespace internal
}  // namespace retinaface
