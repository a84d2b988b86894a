#pragma once

#include <filesystem>

namespace retinaface {
inline namespace internal {

/// The file that this code was loaded from, absolute: a program, or the shared library. Throws
/// Error(kUnreadable) where the operating system does not tell (/proc is not mounted).
struct OwnBinary {
  std::filesystem::path path;
  bool is_program = false;  ///< the process's program, not a library that it loaded
};
OwnBinary own_binary();

}  // namespace internal
}  // namespace retinaface
