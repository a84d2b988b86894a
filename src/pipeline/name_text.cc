#include "pipeline/name_text.h"

#include <charconv>
#include <cstddef>
#include <string_view>

#include <fmt/format.h>

#include "base/utf8.h"

namespace retinaface::pipeline {
namespace {

constexpr std::string_view kEscape = "\\x";

bool is_valid(std::string_view text) {
  while (!text.empty()) {
    const std::size_t bytes = utf8_bytes(text);
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
    const std::size_t bytes = utf8_bytes(rest);
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
