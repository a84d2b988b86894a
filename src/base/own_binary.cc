#include "base/own_binary.h"

#include <charconv>
#include <cstdint>
#include <fstream>
#include <string>
#include <system_error>

#include "base/check.h"

namespace retinaface {
inline namespace internal {
namespace {

/// Where the mapping in which `address` lies comes from. dladdr has no more than the name by which
/// a file was loaded, which depends on the working directory.
std::filesystem::path mapped_file(std::uintptr_t address) {
  std::ifstream maps("/proc/self/maps");
  for (std::string line; std::getline(maps, line);) {
    // 55d0c000-55d0e000 r-xp 00002000 08:01 1234   /usr/bin/program
    std::uintptr_t begin = 0;
    std::uintptr_t end = 0;
    const char* const last = line.data() + line.size();
    const auto dash = std::from_chars(line.data(), last, begin, 16);
    if (dash.ec != std::errc() || dash.ptr == last) continue;
    std::from_chars(dash.ptr + 1, last, end, 16);
    if (address < begin || address >= end) continue;
    const auto path = line.find('/');
    if (path != std::string::npos) return line.substr(path);
  }
  fail(ErrorCode::kUnreadable,
       "/proc/self/maps: expected the file that this program was loaded from, found none");
}

}  // namespace

OwnBinary own_binary() {
  static const char here = 0;  // a place in the file, wherever it was loaded to
  const std::filesystem::path path = mapped_file(reinterpret_cast<std::uintptr_t>(&here));
  std::error_code error;
  // Read, not followed: an emulator of another processor shows its own file there to who follows
  // it.
  const std::filesystem::path program = std::filesystem::read_symlink("/proc/self/exe", error);
  return {path, std::filesystem::equivalent(path, program, error)};
}

}  // namespace internal
}  // namespace retinaface
