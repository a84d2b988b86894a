#include "models/load_model.h"

#include <nlohmann/json.hpp>
#include <utility>
#include <vector>

#include <fmt/ranges.h>

#include "base/check.h"
#include "base/crc32c.h"
#include "base/file.h"
#include "base/number_text.h"
#include "base/text.h"
#include "graph/calibration.h"
#include "models/builtin_weights.h"
#include "models/described_model.h"
#include "models/model_argument.h"
#include "models/model_files.h"

namespace retinaface::models {
namespace {

nlohmann::ordered_json to_json(const AnchorFamily& family) {
  nlohmann::ordered_json levels = nlohmann::ordered_json::array();
  for (const AnchorLevel& level : family.levels) {
    levels.push_back({{"stride", level.stride_px}, {"sizes", level.sizes_px}});
  }
  nlohmann::ordered_json anchors = {
      {"levels", levels},
      {"variances", {as_written(family.center_variance), as_written(family.size_variance)}}};
  // What only other people's networks have is written only for them.
  if (family.boxes == BoxCoding::kSideDistances) anchors["boxes"] = "distances";
  if (family.in_strides) anchors["in_strides"] = true;
  if (family.cell_center != 0.5F) anchors["cell_center"] = as_written(family.cell_center);
  return anchors;
}

/// The tensors must be those of all the model's networks.
void check_weights(const Model& model, const graph::Weights& weights, const std::string& source) {
  std::vector<graph::ParameterSpec> wanted;
  for (const SizedNetwork& network : networks_of(model, 1, 1)) {
    const std::vector<graph::ParameterSpec> own = graph::parameters(network.graph);
    wanted.insert(wanted.end(), own.begin(), own.end());
  }
  graph::check_weights(wanted, weights, source);
}

LoadedModel bind_to_row(graph::Weights weights, const std::string& source) {
  check_format(weights, source);
  if (weights.metadata.contains(kGraphKey)) {
    LoadedModel loaded;
    loaded.described = described_model(weights.metadata, source);
    loaded.model = loaded.described.get();
    loaded.graph = loaded.model->network.build();
    loaded.weights = std::move(weights);
    check_weights(*loaded.model, loaded.weights, source);
    return loaded;
  }
  const auto name = weights.metadata.find("model");
  if (name == weights.metadata.end()) {
    fail(ErrorCode::kBadData,
         "{}: names no model in its metadata; `retinaface import` makes such a file of a "
         "checkpoint",
         source);
  }
  const Model* const row = find_row(name->second);
  if (row == nullptr) {
    fail(ErrorCode::kBadData, "{}: made for the model '{}', this build knows {}", source,
         excerpt(name->second), known_names());
  }
  if (const auto part = weights.metadata.find(kPartKey); part != weights.metadata.end()) {
    fail(ErrorCode::kBadData,
         "{}: expected a whole model, found the {} of {} alone, which is to "
         "train from",
         source, excerpt(part->second), row->name);
  }
  graph::Weights mesh = take_mesh(weights);
  LoadedModel loaded{row, row->network.build(), std::move(weights)};
  loaded.mesh = std::move(mesh);
  graph::check_weights(loaded.graph, loaded.weights, source);
  return loaded;
}

/// As parse_model; `again` yields the same with MeshReading::kAtOnce.
LoadedModel parse(std::span<const std::byte> safetensors, const std::string& name,
                  MeshReading mesh_reading, const std::function<LoadedModel()>& again) {
  if (mesh_reading == MeshReading::kAtOnce) {
    return bind_to_row(graph::parse_safetensors(safetensors, name), name);
  }
  bool has_mesh = false;
  LoadedModel loaded = bind_to_row(graph::parse_safetensors(safetensors, name,
                                                            [&](std::string_view tensor) {
                                                              const bool is_mesh =
                                                                  tensor.starts_with(kMeshPrefix);
                                                              has_mesh |= is_mesh;
                                                              return !is_mesh;
                                                            }),
                                   name);
  if (!has_mesh) return loaded;
  if (loaded.described != nullptr) return again();  // which says that they are not the model's
  loaded.with_mesh = again;
  return loaded;
}

/// The file of a model that was asked for by name. A name that is no row's may have weights of any.
LoadedModel load_named_file(const std::filesystem::path& file, const std::string& name,
                            MeshReading mesh_reading) {
  LoadedModel loaded = load_model(file, mesh_reading);
  if (find_row(name) != nullptr && loaded.model->name != name) {
    fail(ErrorCode::kBadData, "{}: expected the model {}, as its name says, found one of {}",
         printable(file), name, loaded.model->name);
  }
  return loaded;
}

[[noreturn]] void fail_to_find(const std::string& name) {
  std::vector<std::string> folders;
  for (const std::filesystem::path& folder : model_folders()) folders.push_back(printable(folder));
  const std::string places = fmt::format("{}", fmt::join(folders, ", "));
  if (find_row(name) != nullptr) {
    fail(ErrorCode::kNotFound,
         "no weights of the model '{}': not inside this program, and no {}.safetensors in {}; make "
         "them by `retinaface import` or `retinaface train`, or give the path of a file",
         name, name, places);
  }
  fail(ErrorCode::kNotFound,
       "no model is called '{}'; there are: {}; and no {}.safetensors in {}; give one of these "
       "names or the path of a file",
       name, known_names(), name, places);
}

}  // namespace

double as_written(float value) {
  return read_number<double>(fmt::to_string(value)).value();
}

void check_format(const graph::Weights& weights, const std::string& source) {
  const auto format = weights.metadata.find("format");
  // Other programs' files, which name no model, have formats of their own.
  if (format == weights.metadata.end() || !weights.metadata.contains("model")) return;
  if (format->second == kFileFormat) return;
  fail(
      ErrorCode::kUnsupported,
      "{}: expected a model of the format {}, found the format '{}', which a newer version of this "
      "program reads",
      source, kFileFormat, excerpt(format->second));
}

void expect_one_network_detector(const LoadedModel& model, std::string_view what) {
  if (model.model->find_detector() != nullptr) return;
  fail(ErrorCode::kUnsupported, "{}: {} takes a detector of one network, found the {} {}",
       model.source.empty() ? model.model->name : excerpt(model.source), what,
       model.model->find_cascade() != nullptr ? "cascade" : "recogniser", model.model->name);
}

graph::Weights take_mesh(graph::Weights& weights) {
  graph::Weights mesh;
  for (auto it = weights.tensors.lower_bound(kMeshPrefix);
       it != weights.tensors.end() && it->first.starts_with(kMeshPrefix);) {
    mesh.tensors.insert(weights.tensors.extract(it++));
  }
  if (const auto mark = weights.metadata.find(kMeshMarkKey); mark != weights.metadata.end()) {
    mesh.metadata.insert(weights.metadata.extract(mark));
  }
  return mesh;
}

std::string mesh_mark(const graph::Weights& weights) {
  std::uint32_t mark = 0;
  for (const auto& [name, tensor] : weights.tensors) {
    if (name.starts_with(kMeshPrefix) || name.starts_with(graph::kCalibrationPrefix)) continue;
    const std::string_view bytes = text_of(tensor.bytes);
    // Of the checksums in a row, so that the order counts.
    mark = crc32c(fmt::format("{:08x} {} {:08x}", mark, name, crc32c(bytes)));
  }
  return fmt::format("{:08x}", mark);
}

graph::Weights whole_weights(LoadedModel model) {
  RF_CHECK(model.with_mesh == nullptr);
  graph::Weights weights = std::move(model.weights);
  weights.tensors.merge(model.mesh.tensors);
  weights.metadata.merge(model.mesh.metadata);
  return weights;
}

LoadedModel LoadedModel::clone() const {
  return {model, graph, weights.clone(), origin, source, described, mesh.clone(), with_mesh};
}

std::map<std::string, std::string, std::less<>> metadata(const Model& model) {
  nlohmann::ordered_json preprocessing = {
      {"channels", model.network.preprocessing.bgr ? "bgr" : "rgb"},
      {"mean", model.network.preprocessing.mean}};
  if (model.network.side_multiple != 1) preprocessing["multiple"] = model.network.side_multiple;
  std::map<std::string, std::string, std::less<>> result = {
      {"format", kFileFormat}, {"model", model.name}, {"preprocessing", preprocessing.dump()}};
  if (const DetectorSpec* const detector = model.find_detector()) {
    result.emplace("anchors", to_json(detector->anchors).dump());
  }
  return result;
}

LoadedModel load_model(const std::filesystem::path& path, MeshReading mesh_reading) {
  refuse_foreign_model(path);
  // Kept for what is read later: the file may be another one by then.
  const auto content = std::make_shared<const std::vector<std::byte>>(read_named_file(path));
  const auto placed = [path](LoadedModel loaded) {
    loaded.origin = WeightsOrigin::kFile;
    loaded.source = path.string();
    return loaded;
  };
  const std::string name = printable(path);
  return placed(parse(*content, name, mesh_reading,
                      [content, name, placed] { return placed(parse_model(*content, name)); }));
}

LoadedModel parse_model(std::span<const std::byte> safetensors, const std::string& name) {
  return model_of_weights(graph::parse_safetensors(safetensors, name), name);
}

LoadedModel model_of_weights(graph::Weights weights, const std::string& name) {
  LoadedModel loaded = bind_to_row(std::move(weights), name);
  loaded.source = name;
  return loaded;
}

LoadedModel load_builtin_model(std::string_view name, MeshReading mesh_reading) {
  const Model& model = find_model(name);
  const auto content = builtin_weights(model.name);
  if (content.empty()) {
    fail(ErrorCode::kNotFound, "no weights of the model '{}' are inside this program; give a file",
         name);
  }
  LoadedModel loaded = parse(content, "built-in " + model.name, mesh_reading,
                             [&model] { return load_builtin_model(model.name); });
  loaded.origin = WeightsOrigin::kBuiltIn;
  return loaded;
}

LoadedModel load_model_by_name_or_path(const std::string& name_or_path, MeshReading mesh_reading) {
  if (const auto file = file_of_model(name_or_path)) {
    return *file == name_or_path ? load_model(*file, mesh_reading)
                                 : load_named_file(*file, name_or_path, mesh_reading);
  }
  if (builtin_weights(name_or_path).empty()) fail_to_find(name_or_path);
  return load_builtin_model(name_or_path, mesh_reading);
}

}  // namespace retinaface::models
