#include "models/catalogue.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <nlohmann/json.hpp>

#include <fmt/ranges.h>

#include "base/check.h"
#include "base/file.h"
#include "models/builtin_weights.h"
#include "models/mobilenet.h"
#include "models/resnet.h"
#include "models/retinaface.h"

namespace retinaface::models {
namespace {

constexpr const char* kFormat = "1";

/// What the public PyTorch family takes.
constexpr Preprocessing kPublicPreprocessing = {.bgr = true, .mean = {104, 117, 123}};
/// What torchvision's classifiers take, but for the deviations.
constexpr Preprocessing kImageNetPreprocessing = {.bgr = false,
                                                  .mean = {123.675F, 116.28F, 103.53F}};
constexpr std::array<float, 3> kImageNetDeviation = {58.395F, 57.12F, 57.375F};

graph::Graph network(const std::function<Pyramid(graph::Graph&, graph::NodeId)>& backbone,
                     const DetectorOptions& detector) {
  graph::Graph graph;
  const graph::NodeId image = graph.add("image", graph::Input{3}, {});
  add_detector(graph, backbone(graph, image), detector);
  return graph;
}

/// Two anchors a cell, each twice as large as the one before, on three levels: the public
/// families', which the paper's light model has of SSH.
AnchorFamily octave_anchors() {
  return {.levels = {{8, {16, 32}}, {16, {64, 128}}, {32, {256, 512}}}};
}

/// The paper's: three anchors a cell, in steps of the cube root of 2, from 16 pixels on stride 4.
AnchorFamily paper_anchors() {
  AnchorFamily family;
  for (const int stride : {4, 8, 16, 32, 64}) {
    AnchorLevel level = {.stride_px = stride, .sizes_px = {}};
    for (int i = 0; i < 3; ++i) {
      level.sizes_px.push_back(static_cast<float>(4 * stride * std::exp2(i / 3.0)));
    }
    family.levels.push_back(std::move(level));
  }
  return family;
}

using ResNet = Pyramid (*)(graph::Graph&, const std::string&, graph::NodeId);

std::string backbone_name() {
  return std::string(kBackbonePrefix.substr(0, kBackbonePrefix.size() - 1));
}

/// The paper's network on a residual one, with each of its options.
void add_paper_rows(std::vector<Model>& rows, const std::string& name, const std::string& title,
                    ResNet backbone) {
  for (const bool shared_heads : {false, true}) {
    for (const bool deformable : {false, true}) {
      const DetectorOptions detector = {.channels = 256,
                                        .anchors_per_cell = 3,
                                        .extra_level = true,
                                        .deformable = deformable,
                                        .shared_heads = shared_heads};
      Model row = {.name = name,
                   .summary = title + ", five levels",
                   .build =
                       [=] {
                         return network(
                             [=](graph::Graph& graph, graph::NodeId image) {
                               return backbone(graph, backbone_name(), image);
                             },
                             detector);
                       },
                   .preprocessing = kImageNetPreprocessing,
                   .anchors = paper_anchors(),
                   .search = derived_search_policy(paper_anchors()),
                   .classifier_deviation = kImageNetDeviation};
      if (deformable) {
        row.name += kDeformableOption;
        row.summary += ", deformable";
      }
      if (shared_heads) {
        row.name += kSharedHeadsOption;
        row.summary += ", heads shared";
      }
      rows.push_back(std::move(row));
    }
  }
}

graph::Graph mobilenet_network(const MobileNetStem& stem) {
  return network(
      [&](graph::Graph& graph, graph::NodeId image) {
        return mobilenet025(graph, backbone_name(), image, stem);
      },
      {.channels = 64, .anchors_per_cell = 2, .slope = 0.1F});
}

graph::Graph public_resnet50() {
  return network(
      [](graph::Graph& graph, graph::NodeId image) {
        Pyramid maps = resnet50(graph, backbone_name(), image);
        maps.erase(maps.begin());  // from stride 8 on
        return maps;
      },
      {.channels = 256, .anchors_per_cell = 2});
}

std::vector<Model> make_catalogue() {
  std::vector<Model> rows = {
      {.name = "mnet025",
       .summary = "MobileNet-0.25, three levels: small and fast, for CPUs",
       .build = [] { return mobilenet_network({}); },
       .preprocessing = kPublicPreprocessing,
       .anchors = octave_anchors(),
       .search = {}},
      {.name = "mnet025-light",
       .summary = "MobileNet-0.25 behind a 7x7 convolution of stride 4, three levels",
       .build = [] { return mobilenet_network({.kernel = 7, .stride = 4}); },
       .preprocessing = kPublicPreprocessing,
       .anchors = octave_anchors(),
       .search = derived_search_policy(octave_anchors())},
  };
  add_paper_rows(rows, "resnet18", "ResNet-18", resnet18);
  add_paper_rows(rows, "resnet50", "ResNet-50", resnet50);
  add_paper_rows(rows, "resnet152", "ResNet-152", resnet152);
  rows.push_back({.name = "resnet50-public",
                  .summary = "ResNet-50, three levels, as the public PyTorch family has it",
                  .build = public_resnet50,
                  .preprocessing = kPublicPreprocessing,
                  .anchors = octave_anchors(),
                  .search = derived_search_policy(octave_anchors())});
  return rows;
}

/// The double that is written as the float is: 0.1, not 0.10000000149011612.
double as_written(float value) {
  const std::string text = fmt::format("{}", value);
  double result = 0;
  std::from_chars(text.data(), text.data() + text.size(), result);
  return result;
}

std::string known_names() {
  std::vector<std::string_view> names;
  for (const Model& model : catalogue()) names.push_back(model.name);
  return fmt::format("{}", fmt::join(names, ", "));
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

std::span<const Model> catalogue() {
  static const std::vector<Model> models = make_catalogue();
  return models;
}

std::vector<HeadOutputs> head_outputs(const graph::Graph& graph, const AnchorFamily& anchors) {
  std::vector<HeadOutputs> outputs;
  for (std::size_t level = 0; level < anchors.levels.size(); ++level) {
    const auto output = [&](const char* head) {
      const int index = graph.find_output(fmt::format("{}.{}", head, level));
      RF_CHECK(index >= 0);
      return static_cast<std::size_t>(index);
    };
    outputs.push_back({output("cls"), output("box"), output("landmarks")});
  }
  return outputs;
}

const Model& find_model(std::string_view name) {
  const auto found = std::ranges::find(catalogue(), name, &Model::name);
  if (found == catalogue().end()) {
    fail(ErrorCode::kNotFound, "no model is called '{}'; there are: {}", name, known_names());
  }
  return *found;
}

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
