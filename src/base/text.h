#pragma once

#include <algorithm>
#include <cstddef>
#include <span>
#include <string_view>

namespace retinaface {
inline namespace internal {

/// Bytes as text, where they lie.
inline std::string_view text_of(std::span<const std::byte> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

/// Calls take(line, number) for each line of a text, without its line feed, counted from 1. A line
/// feed at the text's end begins no further line.
template <typename Take>
void for_each_line(std::string_view text, const Take& take) {
  int number = 0;
  for (std::size_t begin = 0; begin < text.size();) {
    const std::size_t end = std::min(text.find('\n', begin), text.size());
    take(text.substr(begin, end - begin), ++number);
    begin = end + 1;
  }
}

}  // namespace internal
}  // namespace retinaface
