// What a client sends, from the bytes of its request to the answer: Beast's parser as the server
// sets it up, the head turned into a Request, query, form, image and faces.

#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/string_body.hpp>
#include <cstdint>
#include <cstdlib>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

#include "retinaface/detector.h"

#include "server/http_message.h"
#include "server/service.h"

using namespace retinaface;

namespace {

server::Service& service() {
  // Small ones, since a network under sanitizers is slow.
  static server::Service service({}, {.max_pixels = 4096, .api_keys = {"k"}, .cors_origin = "*"});
  return service;
}

/// An error is one line of JSON, and no mistake of the service's own.
void check(const server::Response& response) {
  if (response.status == 500) std::abort();
  if (response.status < 400) return;
  const auto body = nlohmann::json::parse(response.body);
  const std::string message = body.at("error").at("message");
  if (message.empty() || message.size() > 4000 ||
      message.find_first_of("\r\n") != std::string::npos) {
    std::abort();
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  namespace http = boost::beast::http;
  http::request_parser<http::string_body> parser;
  parser.eager(true);
  parser.header_limit(8192);
  parser.body_limit(65536);
  boost::system::error_code error;
  std::size_t used = 0;
  while (used < size && !parser.is_done() && !error) {
    const std::size_t taken = parser.put(boost::asio::buffer(data + used, size - used), error);
    if (taken == 0) break;
    used += taken;
  }
  if (!parser.is_header_done()) return 0;
  std::optional<server::Request> request = server::request_of(parser.get());
  if (!request) return 0;
  request->api_key = "k";
  std::optional<server::Response> early = service().answer_head(*request);
  if (early) {
    service().complete(*request, *early);
    check(*early);
    return 0;
  }
  request->body = std::move(parser.get().body());
  server::Response response = service().handle(*request);
  service().complete(*request, response);
  check(response);
  return 0;
}
