#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace retinaface::server {

/// What a request asks for: "/v1/detect?min-score=0.5&clip".
struct Target {
  std::string path;
  std::vector<std::pair<std::string, std::string>> query;  ///< no value is an empty one
};

/// Takes escapes (%2F, and + for a space in the query) out. Nothing for what is no path, alone or
/// behind scheme and host (RFC 9112, 3.2.1 and 3.2.2), or has a broken escape.
std::optional<Target> parse_target(std::string_view text);

}  // namespace retinaface::server
