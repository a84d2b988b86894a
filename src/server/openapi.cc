#include "server/openapi.h"

#include <cstdint>
#include <limits>
#include <nlohmann/json.hpp>
#include <string_view>
#include <type_traits>
#include <variant>

#include "retinaface/version.h"

#include "pipeline/job_options.h"
#include "pipeline/results.h"
#include "server/asked.h"
#include "server/assets.h"
#include "server/endpoint.h"

namespace retinaface::server {
namespace {

using Json = nlohmann::ordered_json;

constexpr double kUnlimited = std::numeric_limits<double>::infinity();

Json reference(const std::string& name) {
  return {{"$ref", "#/components/schemas/" + name}};
}

/// A whole number where it is one, which JSON's readers expect of an integer's bounds.
Json bound(double value) {
  const auto whole = static_cast<std::int64_t>(value);
  return static_cast<double>(whole) == value ? Json(whole) : Json(value);
}

Json schema_of(const pipeline::JobOption& option) {
  pipeline::DetectionJob job;
  return std::visit(
      [&](const auto* value) {
        using Value = std::remove_const_t<std::remove_pointer_t<decltype(value)>>;
        Json schema;
        if constexpr (std::is_same_v<Value, bool>) {
          schema = {{"type", "boolean"}};
        } else if constexpr (std::is_same_v<Value, std::vector<float>>) {
          schema = {{"type", "string"}};
        } else {
          schema = {{"type", std::is_same_v<Value, int> ? "integer" : "number"}};
          if (option.choices.empty()) {
            schema["minimum"] = bound(option.min);
          } else {
            schema["enum"] = option.choices;
          }
          if (option.max != kUnlimited) schema["maximum"] = bound(option.max);
        }
        if (option.has_default) {
          const std::string text = pipeline::option_text(option, job);
          schema["default"] =
              std::is_same_v<Value, std::vector<float>> ? Json(text) : Json::parse(text);
        }
        return schema;
      },
      option.field(job));
}

Json parameters_of(const Endpoint& endpoint) {
  Json parameters = Json::array();
  for (const std::string_view name : endpoint.options) {
    const pipeline::JobOption* const option = pipeline::find_job_option(name);
    Json parameter = {{"name", name}, {"in", "query"}, {"required", false}};
    if (option != nullptr) {
      parameter["description"] = option->help;
      parameter["schema"] = schema_of(*option);
    } else if (name == kEmbedOption) {
      parameter["description"] =
          "give each face its vector, by the recogniser that the service was started with";
      parameter["schema"] = {{"type", "boolean"}, {"default", false}};
    } else {
      parameter["description"] = "which face an answer that is an image shows, from 0";
      parameter["schema"] = {{"type", "integer"}, {"minimum", 0}, {"default", 0}};
    }
    parameters.push_back(std::move(parameter));
  }
  return parameters;
}

Json body() {
  const Json binary = {{"type", "string"}, {"format", "binary"}};
  const Json form = {
      {"type", "object"},
      {"required", {"image"}},
      {"properties", {{"image", {{"type", "array"}, {"items", binary}, {"minItems", 1}}}}}};
  Json content;
  content["application/octet-stream"] = {{"schema", Json::object()}};
  content["image/*"] = {{"schema", Json::object()}};
  content["multipart/form-data"] = {{"schema", form}};
  return {{"description", "An encoded image, told by its content, or a form of several."},
          {"required", true},
          {"content", std::move(content)}};
}

Json several(const char* of) {
  const Json failed = reference("FailedImage");
  const Json item = {{"oneOf", {reference(of), failed}}};
  const Json results = {{"type", "array"}, {"items", item}};
  return {{"type", "object"}, {"required", {"results"}}, {"properties", {{"results", results}}}};
}

Json answer_schema(const Endpoint& endpoint, std::string_view type) {
  const std::string_view path = endpoint.path;
  if (type != "application/json" || path == "/openapi.json") return Json::object();
  if (path == "/v1/models") return {{"type", "object"}};
  if (path == "/v1/topology") return reference("Topology");
  const bool is_detect = path == "/v1/detect";
  return {{"oneOf",
           {reference(is_detect ? "Result" : "Aligned"),
            reference(is_detect ? "Results" : "AlignedResults")}}};
}

Json responses_of(const Endpoint& endpoint) {
  Json content;
  for (const std::string_view type : endpoint.types) {
    content[std::string(type)] = {{"schema", answer_schema(endpoint, type)}};
  }
  Json responses;
  responses["200"] = {{"description", "What was asked for."}, {"content", std::move(content)}};
  Json error = {{"description", "Why it is not; Retry-After beside 503."}};
  error["content"]["application/json"] = {{"schema", reference("Error")}};
  responses["default"] = std::move(error);
  return responses;
}

Json operation_of(const Endpoint& endpoint) {
  Json operation = {{"summary", endpoint.summary}};
  if (!endpoint.options.empty()) operation["parameters"] = parameters_of(endpoint);
  if (endpoint.is_work) operation["requestBody"] = body();
  operation["responses"] = responses_of(endpoint);
  // An empty one: the service may have no keys.
  if (endpoint.needs_key) {
    const Json none = Json::array();
    operation["security"] =
        Json::array({Json::object(), Json{{"bearer", none}}, Json{{"apiKey", none}}});
  }
  return operation;
}

Json schemas() {
  Json result = Json::parse(result_schema());
  result.erase("$schema");
  const Json text = {{"type", "string"}};
  const Json problem = {{"type", "object"},
                        {"required", {"code", "message"}},
                        {"properties", {{"code", text}, {"message", text}}}};
  const Json png = {
      {"type", "string"}, {"contentEncoding", "base64"}, {"contentMediaType", "image/png"}};
  Json all;
  all["Result"] = std::move(result);
  all["Results"] = several("Result");
  all["Aligned"] = {
      {"type", "object"},
      {"required", {"result", "aligned"}},
      {"properties",
       {{"result", reference("Result")}, {"aligned", {{"type", "array"}, {"items", png}}}}}};
  all["AlignedResults"] = several("Aligned");
  const Json vertex = {{"type", "integer"}, {"minimum", 0}};
  const auto list_of = [](const Json& items, int count) {
    Json list = {{"type", "array"}, {"items", items}};
    if (count > 0) list["minItems"] = list["maxItems"] = count;
    return list;
  };
  all["Topology"] = {{"type", "object"},
                     {"required", {"vertices", "triangles", "landmarks_68"}},
                     {"properties",
                      {{"vertices", {{"type", "integer"}}},
                       {"triangles", list_of(list_of(vertex, 3), 0)},
                       {"landmarks_68", list_of(vertex, pipeline::kDenseLandmarks)}}}};
  all["Problem"] = problem;
  all["FailedImage"] = {{"type", "object"},
                        {"required", {"image", "error"}},
                        {"properties", {{"image", text}, {"error", reference("Problem")}}}};
  all["Error"] = {{"type", "object"},
                  {"required", {"error"}},
                  {"properties", {{"error", reference("Problem")}}}};
  return all;
}

std::string made() {
  Json document;
  document["openapi"] = "3.1.0";
  document["info"] = {{"title", "RetinaFace"},
                      {"summary", "Finds faces and their five points in images."},
                      {"version", version()},
                      {"license", {{"name", "MIT"}, {"identifier", "MIT"}}}};
  for (const Endpoint& endpoint : endpoints()) {
    std::string method = endpoint.method;
    for (char& c : method) c = static_cast<char>(c - 'A' + 'a');
    document["paths"][endpoint.path][method] = operation_of(endpoint);
  }
  document["components"]["schemas"] = schemas();
  document["components"]["securitySchemes"] = {
      {"bearer", {{"type", "http"}, {"scheme", "bearer"}}},
      {"apiKey", {{"type", "apiKey"}, {"in", "header"}, {"name", "X-API-Key"}}}};
  return document.dump();
}

}  // namespace

const std::string& openapi() {
  static const std::string kDocument = made();
  return kDocument;
}

}  // namespace retinaface::server
