#include "models/load_model.h"

#include <algorithm>
#include <charconv>
#include <nlohmann/json.hpp>
#include <utility>

#include <fmt/format.h>

#include "base/check.h"
#include "base/file.h"
#include "models/builtin_weights.h"

namespace retinaface::models {
namespace {

constexpr const char* kFormat = "1";

/// The double that is written as the float is: 0.1, not 0.10000000149011612.
double as_written(float value) {
  const std::string text = fmt::format("{}", value);
  double result = 0;
  std::from_chars(text.data(), text.data() + text.size(), result);
  return result;
}

LoadedModel bind_to_row(graph::Weights weights, const std::string& source) {
  const auto name = weights.metadata.find("model");
  if (name == weights.metadata.end()) {
    fail(ErrorCode::kBadData,
         "{}: names no model in its metadata; `retinaface import` makes such a file of a "
         "checkpoint",
         source);
  }
  const auto row = std::ranges::find(catalogue(), name->second, &Model::name);
  if (row == catalogue().end()) {
    fail(ErrorCode::kBadData, "{}: made for the model '{}', this build knows {}", source,
         name->second, known_names());
  }
  if (const auto part = weights.metadata.find(kPartKey); part != weights.metadata.end()) {
    fail(ErrorCode::kBadData,
         "{}: expected a whole model, found the {} of {} alone, which is to "
         "train from",
         source, excerpt(part->second), row->name);
  }
  LoadedModel loaded{&*row, row->build(), std::move(weights)};
  graph::check_weights(loaded.graph, loaded.weights, source);
  return loaded;
}

}  // namespace

std::map<std::string, std::string, std::less<>> metadata(const Model& model) {
  nlohmann::ordered_json levels = nlohmann::ordered_json::array();
  for (const AnchorLevel& level : model.anchors.levels) {
    levels.push_back({{"stride", level.stride_px}, {"sizes", level.sizes_px}});
  }
  const nlohmann::ordered_json anchors = {
      {"levels", levels},
      {"variances",
       {as_written(model.anchors.center_variance), as_written(model.anchors.size_variance)}}};
  const nlohmann::ordered_json preprocessing = {
      {"channels", model.preprocessing.bgr ? "bgr" : "rgb"}, {"mean", model.preprocessing.mean}};
  return {{"format", kFormat},
          {"model", model.name},
          {"anchors", anchors.dump()},
          {"preprocessing", preprocessing.dump()}};
}

LoadedModel load_model(const std::filesystem::path& path) {
  return bind_to_row(graph::read_safetensors(path), printable(path));
}

LoadedModel load_builtin_model(std::string_view name) {
  const Model& model = find_model(name);
  const auto content = builtin_weights(model.name);
  if (content.empty()) {
    fail(ErrorCode::kNotFound, "no weights of the model '{}' are inside this program; give a file",
         name);
  }
  return bind_to_row(graph::parse_safetensors(content, "built-in " + model.name),
                     "built-in " + model.name);
}

LoadedModel load_model_by_name_or_path(const std::string& name_or_path) {
  const bool is_name = std::ranges::any_of(
      catalogue(), [&](const Model& model) { return model.name == name_or_path; });
  if (is_name) return load_builtin_model(name_or_path);
  // A word that is no file is more likely a mistyped name.
  if (name_or_path.find_first_of("/.") == std::string::npos &&
      !std::filesystem::exists(name_or_path)) {
    find_model(name_or_path);
  }
  return load_model(name_or_path);
}

}  // namespace retinaface::models
