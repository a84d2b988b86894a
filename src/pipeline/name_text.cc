#include "pipeline/name_text.h"

#include <charconv>
#include <cstddef>
#include <string_view>

#include <fmt/format.h>

namespace retinaface::pipeline {
namespace {

constexpr std::string_view kEscape = "\\x";

/// How many bytes the character at the text's beginning has; 0 for what is none (Unicode, table
/// 3-7: no overlong forms, no surrogates, nothing above U+10FFFF).
std::size_t character_bytes(std::string_view text) {
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

bool is_valid(std::string_view text) {
  while (!text.empty()) {
    const std::size_t bytes = character_bytes(text);
    if (bytes == 0) return false;
    text.remove_prefix(bytes);
  }
  return true;
}

}  // namespace

std::string text_of_path(const std::filesystem::path& path) {
  const std::string& name = path.native();
  if (is_valid(name) && name.find(kEscape) == std::string::npos) return name;
  std::string text;
  for (std::string_view rest = name; !rest.empty();) {
    const std::size_t bytes = character_bytes(rest);
    if (bytes == 0) {
      text += fmt::format("\\x{:02X}", static_cast<unsigned char>(rest[0]));
    } else if (rest[0] == '\\') {
      text += "\\\\";
    } else {
      text += rest.substr(0, bytes);
    }
    rest.remove_prefix(bytes == 0 ? 1 : bytes);
  }
  return text;
}

std::filesystem::path path_of_text(const std::string& text) {
  if (text.find(kEscape) == std::string::npos) return text;
  std::string name;
  for (std::size_t i = 0; i < text.size(); ++i) {
    unsigned char byte = 0;
    const char* const digits = text.data() + i + kEscape.size();
    if (text.compare(i, 2, "\\\\") == 0) {
      name += '\\';
      ++i;
    } else if (text.compare(i, 2, kEscape) == 0 && i + 4 <= text.size() &&
               std::from_chars(digits, digits + 2, byte, 16).ptr == digits + 2) {
      name += static_cast<char>(byte);
      i += 3;
    } else {
      name += text[i];
    }
  }
  return name;
}

}  // namespace retinaface::pipeline
