#pragma once

#include <string>
#include <utility>
#include <vector>

namespace retinaface::server {

/// A request as far as this service looks at it; no type of the HTTP library's.
struct Request {
  std::string method;
  std::string path;                                        ///< without escapes
  std::vector<std::pair<std::string, std::string>> query;  ///< names and values without escapes
  std::string content_type;
  std::string accept;
  std::string authorization;
  std::string api_key;  ///< header X-API-Key
  std::string origin;
  std::string body;
};

/// An answer. Content-Length and what concerns the connection is the HTTP layer's.
struct Response {
  int status = 200;
  std::string content_type;
  std::string body;
  std::vector<std::pair<std::string, std::string>> headers{};
};

/// 200 with a text of JSON, which gets its line break.
inline Response json_answer(std::string text) {
  return {200, "application/json", std::move(text) + "\n"};
}

}  // namespace retinaface::server
