#pragma once

#include <cstddef>
#include <string_view>

namespace retinaface {
inline namespace internal {

/// How many bytes the character at the text's beginning has; 0 for what is none (Unicode, table
/// 3-7: no overlong forms, no surrogates, nothing above U+10FFFF).
inline std::size_t utf8_bytes(std::string_view text) {
  const auto byte = [&](std::size_t i) {
    return i < text.size() ? static_cast<unsigned char>(text[i]) : 0U;
  };
  const auto continues = [&](std::size_t i) { return (byte(i) & 0xC0U) == 0x80U; };
  const unsigned first = byte(0);
  const unsigned second = byte(1);
  if (first < 0x80) return 1;
  if (first < 0xC2 || !continues(1)) return 0;
  if (first < 0xE0) return 2;
  if (!continues(2)) return 0;
  if (first < 0xF0) {
    const bool is_overlong = first == 0xE0 && second < 0xA0;
    const bool is_surrogate = first == 0xED && second >= 0xA0;
    return is_overlong || is_surrogate ? 0 : 3;
  }
  const bool is_outside = (first == 0xF0 && second < 0x90) || (first == 0xF4 && second >= 0x90);
  return first > 0xF4 || is_outside || !continues(3) ? 0 : 4;
}

}  // namespace internal
}  // namespace retinaface
