#include "server/target.h"

#include <algorithm>
#include <charconv>
#include <cstddef>

namespace retinaface::server {
namespace {

/// False for a broken escape.
bool unescape(std::string_view text, bool plus_is_space, std::string& result) {
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '%') {
      unsigned value = 0;
      if (text.size() - i < 3) return false;
      const char* const end = text.data() + i + 3;
      const auto read = std::from_chars(text.data() + i + 1, end, value, 16);
      if (read.ec != std::errc() || read.ptr != end) return false;
      result += static_cast<char>(value);
      i += 2;
    } else {
      result += plus_is_space && text[i] == '+' ? ' ' : text[i];
    }
  }
  return true;
}

/// Without "http://host".
std::string_view after_host(std::string_view text) {
  const std::size_t scheme = text.find("://");
  if (text.starts_with('/') || scheme == std::string_view::npos) return text;
  const std::size_t path = text.find('/', scheme + 3);
  return path == std::string_view::npos ? "/" : text.substr(path);
}

}  // namespace

std::optional<Target> parse_target(std::string_view text) {
  text = after_host(text);
  if (!text.starts_with('/')) return std::nullopt;
  text = text.substr(0, text.find('#'));
  Target target;
  const std::size_t mark = text.find('?');
  if (!unescape(text.substr(0, mark), false, target.path)) return std::nullopt;
  if (mark == std::string_view::npos) return target;
  std::string_view rest = text.substr(mark + 1);
  while (!rest.empty()) {
    const std::string_view pair = rest.substr(0, rest.find('&'));
    rest.remove_prefix(std::min(rest.size(), pair.size() + 1));
    if (pair.empty()) continue;
    const std::size_t equals = pair.find('=');
    auto& [name, value] = target.query.emplace_back();
    if (!unescape(pair.substr(0, equals), true, name)) return std::nullopt;
    if (equals == std::string_view::npos) continue;
    if (!unescape(pair.substr(equals + 1), true, value)) return std::nullopt;
  }
  return target;
}

}  // namespace retinaface::server
