#include "server/service.h"

#include <algorithm>
#include <new>
#include <nlohmann/json.hpp>
#include <utility>

#include <fmt/format.h>

#include "retinaface/mesh.h"
#include "retinaface/model_info.h"
#include "retinaface/version.h"

#include "base/check.h"
#include "base/file.h"
#include "mesh/topology.h"
#include "server/assets.h"
#include "server/endpoint.h"
#include "server/header_value.h"
#include "server/multipart.h"
#include "server/openapi.h"
#include "server/problem.h"

namespace retinaface::server {
namespace {

/// Takes as long whatever of it is right.
bool is_same_secret(std::string_view a, std::string_view b) {
  unsigned difference = a.size() == b.size() ? 0 : 1;
  for (std::size_t i = 0; i < a.size(); ++i) {
    difference |= static_cast<unsigned char>(a[i]) ^
                  static_cast<unsigned char>(b.empty() ? 0 : b[i % b.size()]);
  }
  return difference == 0;
}

/// Numbers of vertices, from 0.
const std::string& topology_json() {
  static const std::string kText = [] {
    nlohmann::ordered_json triangles = nlohmann::ordered_json::array();
    for (const MeshTriangle& triangle : mesh_triangles()) triangles.push_back(triangle);
    return nlohmann::ordered_json{{"vertices", kMeshVertices},
                                  {"triangles", std::move(triangles)},
                                  {"landmarks_68", mesh::topology().landmarks_68}}
        .dump();
  }();
  return kText;
}

}  // namespace

Service::Service(Detector detector, ServiceOptions options)
    : detector_(std::move(detector)),
      options_(std::move(options)),
      work_(detector_, options_, metrics_) {}

std::string Service::label_of(const Request& request) {
  return find_endpoint(request.path) == nullptr ? "other" : request.path;
}

void Service::check_key(const Request& request) const {
  if (options_.api_keys.empty()) return;
  constexpr std::string_view kScheme = "Bearer ";
  std::string_view given = request.api_key;
  if (given.empty() && request.authorization.starts_with(kScheme)) {
    given = std::string_view(request.authorization).substr(kScheme.size());
  }
  bool is_known = false;  // all are compared, so that time does not tell which one
  for (const std::string& key : options_.api_keys) is_known |= is_same_secret(given, key);
  if (is_known) return;
  throw Problem(401, "unauthorized",
                "expected a key, as 'Authorization: Bearer KEY' or 'X-API-Key: KEY', found " +
                    std::string(given.empty() ? "none" : "one that is not known"),
                {{"WWW-Authenticate", "Bearer"}});
}

std::optional<Response> Service::answer_head(const Request& request) {
  try {
    const Endpoint* const endpoint = find_endpoint(request.path);
    if (endpoint == nullptr) {
      throw Problem(
          404, "not_found",
          fmt::format("there is no '{}'; /openapi.json says what there is", excerpt(request.path)));
    }
    if (request.method == "OPTIONS" && !options_.cors_origin.empty()) {
      return Response{
          204,
          "",
          "",
          {{"Access-Control-Allow-Methods", fmt::format("{}, OPTIONS", endpoint->method)},
           {"Access-Control-Allow-Headers", "Authorization, Content-Type, X-API-Key"},
           {"Access-Control-Max-Age", "600"}}};
    }
    if (!endpoint->allows(request.method)) {
      throw Problem(405, "method_not_allowed",
                    fmt::format("{}: expected {}, found '{}'", endpoint->path, endpoint->method,
                                excerpt(request.method)),
                    {{"Allow", endpoint->method}});
    }
    if (endpoint->needs_key) check_key(request);
    if (!endpoint->is_work) return answer_at_hand(request);
    work_.asked_of(request, *endpoint);
    multipart_boundary(request.content_type);
    return std::nullopt;
  } catch (const Problem& problem) {
    return response_of(problem);
  } catch (const Error& error) {
    return response_of(problem_of(error));
  }
}

Response Service::answer_at_hand(const Request& request) {
  const std::string& path = request.path;
  if (path == "/v1/models") return json_answer(models_json());
  if (path == "/v1/topology") return json_answer(topology_json());
  if (path == "/metrics") return {200, Metrics::kContentType, metrics_.text()};
  if (path == "/openapi.json") return json_answer(openapi());
  if (path == "/readyz" && !is_ready_) {
    throw Problem(503, "ending", "the service ends and takes no more requests");
  }
  if (path == "/healthz" || path == "/readyz") return {200, std::string(kPlain), "ok\n"};
  Response response{200, "text/html; charset=utf-8", std::string(page_html())};
  if (path == "/app.css") response = {200, "text/css; charset=utf-8", std::string(page_css())};
  if (path == "/icon.svg") response = {200, "image/svg+xml", std::string(page_icon())};
  if (path == "/app.js") {
    response = {200, "text/javascript; charset=utf-8", std::string(page_js())};
  }
  response.headers = {
      {"Content-Security-Policy",
       "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob:; "
       "media-src 'self' blob:; connect-src 'self'; base-uri 'none'; form-action 'none'; "
       "frame-ancestors 'none'"},
      {"Permissions-Policy", "camera=(self), microphone=(), geolocation=()"},
      {"Cross-Origin-Opener-Policy", "same-origin"},
      {"Cache-Control", "no-cache"}};
  return response;
}

void Service::complete(const Request& request, Response& response) const {
  response.headers.emplace_back("X-Content-Type-Options", "nosniff");
  response.headers.emplace_back("Referrer-Policy", "no-referrer");
  const std::string& origin = options_.cors_origin;
  if (origin.empty() || request.origin.empty()) return;
  if (origin != "*") response.headers.emplace_back("Vary", "Origin");
  if (origin != "*" && origin != request.origin) return;
  response.headers.emplace_back("Access-Control-Allow-Origin", origin);
}

std::string Service::models_json() {
  std::call_once(models_made_, [this] {
    using Json = nlohmann::ordered_json;
    const auto entry = [](const ModelInfo& info) {
      const char* const weights = info.weights_origin == WeightsOrigin::kBuiltIn ? "built in"
                                  : info.weights_origin == WeightsOrigin::kNone  ? "none"
                                                                                 : "file";
      // None where a model of a file takes no image of this size.
      const Json multiply_adds = info.multiply_adds > 0 ? Json(info.multiply_adds) : Json();
      return Json{{"name", info.name},
                  {"summary", info.summary},
                  {"weights", weights},
                  {"parameters", info.parameters},
                  {"multiply_adds_640x480", multiply_adds},
                  {"strides_px", info.strides_px}};
    };
    Json models = Json::array();
    for (const ModelInfo& info : known_models()) models.push_back(entry(info));
    const Json all = {{"loaded", entry(detector_.info())}, {"models", models}};
    models_ = all.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
  });
  return models_;
}

Response Service::handle(const Request& request) {
  try {
    const Endpoint* const endpoint = find_endpoint(request.path);
    RF_CHECK(endpoint != nullptr && endpoint->is_work);
    return work_.answer(request, *endpoint);
  } catch (const Problem& problem) {
    return response_of(problem);
  } catch (const Error& error) {
    return response_of(problem_of(error));
  } catch (const std::bad_alloc&) {
    return response_of(overloaded("not enough memory for this request", 1));
  } catch (const std::exception& error) {
    return response_of(Problem(500, "internal", error.what()));
  }
}

}  // namespace retinaface::server
