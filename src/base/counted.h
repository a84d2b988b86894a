#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace retinaface {
inline namespace internal {

/// "1 image", "2 images".
inline std::string counted(std::size_t count, std::string_view noun) {
  return std::to_string(count) + " " + std::string(noun) + (count == 1 ? "" : "s");
}

}  // namespace internal
}  // namespace retinaface
