#include "server/http_message.h"

#include <string>
#include <utility>

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

}  // namespace retinaface::server
