#pragma once

#include <string_view>

namespace retinaface {
inline namespace internal {

/// Spaces and line ends, as "C" has them.
inline constexpr std::string_view kSpaces = " \t\r\n\v\f";

/// The text without spaces and line ends around it.
inline std::string_view trimmed(std::string_view text) {
  const std::size_t first = text.find_first_not_of(kSpaces);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(kSpaces) - first + 1);
}

}  // namespace internal
}  // namespace retinaface
