#pragma once

#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

namespace retinaface::testing {

/// All that a file holds; "" where it cannot be read.
inline std::string content_of(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

}  // namespace retinaface::testing
