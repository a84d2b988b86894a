#include "server/endpoint.h"

#include <algorithm>
#include <initializer_list>

#include "server/asked.h"

namespace retinaface::server {
namespace {

constexpr const char* kGet = "GET";

}  // namespace

const std::vector<Endpoint>& endpoints() {
  static const std::vector<std::string_view> kSelection = {
      "min-score", "nms", "max-faces", "min-size", "clip", "scales", "turned"};
  const auto selection_and = [](std::initializer_list<std::string_view> more) {
    std::vector<std::string_view> names = kSelection;
    names.insert(names.end(), more);
    return names;
  };
  static const std::vector<Endpoint> kEndpoints = {
      {.path = "/v1/detect",
       .method = "POST",
       .summary = "Finds the faces of images; as an image, with its faces drawn.",
       .needs_key = true,
       .is_work = true,
       .types = {kJson, "image/jpeg", "image/png", "image/webp"},
       .options = selection_and(
           {"mesh", "mesh-refine", "landmarks", "face-quality", kEmbedOption, "jpeg-quality"})},
      {.path = "/v1/align",
       .method = "POST",
       .summary = "Faces turned and scaled as recognisers take them; as an image, one of them.",
       .needs_key = true,
       .is_work = true,
       .types = {kJson, "image/png", "image/jpeg", "image/webp"},
       .options = selection_and({"mesh", "mesh-refine", "landmarks", "face-quality", kEmbedOption,
                                 "align-size", kFaceOption, "jpeg-quality"})},
      {.path = "/v1/blur",
       .method = "POST",
       .summary = "The image with its faces made unrecognisable.",
       .needs_key = true,
       .is_work = true,
       .types = {"image/jpeg", "image/png", "image/webp"},
       .options = selection_and({"jpeg-quality"})},
      {.path = "/v1/models",
       .method = kGet,
       .summary = "The model that is loaded, and those that are known.",
       .needs_key = true,
       .types = {kJson}},
      {.path = "/v1/topology",
       .method = kGet,
       .summary = "What all meshes have in common: triangles, vertices of the 68 points.",
       .needs_key = true,
       .types = {kJson}},
      {.path = "/metrics",
       .method = kGet,
       .summary = "Counts and durations for Prometheus.",
       .needs_key = true,
       .types = {"text/plain"}},
      {.path = "/healthz", .method = kGet, .summary = "Whether it runs.", .types = {"text/plain"}},
      {.path = "/readyz",
       .method = kGet,
       .summary = "Whether requests should be sent here; 503 while it ends.",
       .types = {"text/plain"}},
      {.path = "/openapi.json", .method = kGet, .summary = "This description.", .types = {kJson}},
      {.path = "/", .method = kGet, .summary = "The page.", .types = {"text/html"}},
      {.path = "/app.css", .method = kGet, .summary = "Its style.", .types = {"text/css"}},
      {.path = "/icon.svg", .method = kGet, .summary = "Its icon.", .types = {"image/svg+xml"}},
      {.path = "/app.js", .method = kGet, .summary = "Its program.", .types = {"text/javascript"}},
  };
  return kEndpoints;
}

const Endpoint* find_endpoint(std::string_view path) {
  const auto found = std::ranges::find(endpoints(), path, &Endpoint::path);
  return found == endpoints().end() ? nullptr : &*found;
}

bool Endpoint::allows(std::string_view asked_method) const {
  return asked_method == method || (asked_method == "HEAD" && std::string_view(method) == kGet);
}

}  // namespace retinaface::server
