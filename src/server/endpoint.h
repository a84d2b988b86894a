#pragma once

#include <string_view>
#include <vector>

namespace retinaface::server {

/// Media types of answers.
inline constexpr std::string_view kJson = "application/json";
inline constexpr std::string_view kPlain = "text/plain; charset=utf-8";

/// One thing that can be asked for: a row of endpoints().
struct Endpoint {
  const char* path;
  const char* method;
  const char* summary;
  bool needs_key = false;  ///< where the service has keys
  /// An image is worked on, by a thread made for it. All other answers are at hand.
  bool is_work = false;
  /// Media types of the answer, the first where the client does not say.
  std::vector<std::string_view> types;
  /// Names of pipeline::job_options() that its query takes, and of those of the service's own
  /// (asked.h).
  std::vector<std::string_view> options{};

  /// Its own method, and HEAD where that is GET.
  bool allows(std::string_view asked_method) const;
};

const std::vector<Endpoint>& endpoints();

/// Null where there is none.
const Endpoint* find_endpoint(std::string_view path);

}  // namespace retinaface::server
