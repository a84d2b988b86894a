#include "server/http_message.h"

#include <array>
#include <boost/beast/http/error.hpp>
#include <ctime>
#include <string>
#include <utility>

#include <fmt/format.h>

#include "server/target.h"

namespace retinaface::server {

std::optional<Request> request_of(const boost::beast::http::request_header<>& head) {
  using boost::beast::http::field;
  const auto text = [](boost::beast::string_view view) {
    return std::string(view.data(), view.size());
  };
  const auto given = head.target();
  std::optional<Target> target = parse_target({given.data(), given.size()});
  if (!target) return std::nullopt;
  Request request;
  request.method = text(head.method_string());
  request.path = std::move(target->path);
  request.query = std::move(target->query);
  request.content_type = text(head[field::content_type]);
  request.accept = text(head[field::accept]);
  request.authorization = text(head[field::authorization]);
  request.api_key = text(head["X-API-Key"]);
  request.origin = text(head[field::origin]);
  return request;
}

std::optional<Problem> reading_problem(const boost::system::error_code& error,
                                       std::uint64_t max_body) {
  namespace http = boost::beast::http;
  if (error == http::error::header_limit || error == http::error::buffer_overflow) {
    return Problem(431, "header_too_large",
                   fmt::format("expected a head of at most {} bytes", kMaxHeaderBytes));
  }
  if (error == http::error::body_limit) {
    return Problem(413, "too_large", fmt::format("expected a body of at most {} bytes", max_body));
  }
  if (error == http::error::partial_message) {  // of a client that may still read
    return Problem(400, "bad_request", "no whole request: it ended before its head or body did");
  }
  if (error == http::error::end_of_stream) return {};
  static const boost::system::error_code kOfHttp = http::make_error_code(http::error::bad_method);
  if (error.category() != kOfHttp.category()) return {};
  return Problem(400, "bad_request", fmt::format("no request of HTTP: {}", error.message()));
}

std::string http_date() {
  const std::time_t now = std::time(nullptr);
  std::tm parts{};
  ::gmtime_r(&now, &parts);
  std::array<char, 64> text{};
  const std::size_t size =
      std::strftime(text.data(), text.size(), "%a, %d %b %Y %H:%M:%S GMT", &parts);
  return {text.data(), size};
}

}  // namespace retinaface::server
