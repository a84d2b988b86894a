#pragma once

#include <filesystem>

#include "retinaface/error.h"

namespace retinaface {
inline namespace internal {

/// Refuses a pipe or a device, links followed, where nobody has named one: reading or opening it
/// may take for ever. What is not there, and folders, are left to who uses the path. Throws Error
/// of that code, the path first.
void expect_plain_file(const std::filesystem::path& path, ErrorCode code = ErrorCode::kUnreadable);

}  // namespace internal
}  // namespace retinaface
