#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "base/origin_mark.h"
#include "cli/command.h"
#include "cli/option_spelling.h"
#include "cli/overwrite_option.h"
#include "cli/report_option.h"
#include "cli/values.h"
#include "detection/anchors.h"
#include "graph/cost.h"
#include "graph/operators.h"
#include "graph/weights.h"
#include "models/catalogue.h"
#include "models/model_argument.h"
#include "pipeline/json_report.h"
#include "pipeline/output_guard.h"

namespace retinaface::cli {
namespace {

struct Options {
  std::string model;
  std::string size = "640x480";
  std::string json;
  bool overwrite = false;
};

std::string weight_text(const std::vector<graph::ParameterSpec>& parameters) {
  // The first parameter is the weight; the others are one value a channel.
  return parameters.empty() ? "" : graph::to_string(parameters.front().shape);
}

struct Layer {
  const graph::Node* node = nullptr;
  graph::Shape shape;
  std::vector<graph::ParameterSpec> parameters;
  std::int64_t multiply_adds = 0;
};

struct Summary {
  std::vector<Layer> layers;
  std::int64_t parameters = 0;
  std::int64_t multiply_adds = 0;
  std::int64_t anchors = 0;
};

/// Adds the layers of a network, which must outlive the summary.
void add(const graph::Graph& graph, const graph::Shape& input, Summary& summary) {
  const std::vector<graph::Shape> shapes = graph::infer_shapes(graph, input);
  for (std::size_t i = 0; i < shapes.size(); ++i) {
    const graph::Node& node = graph.nodes()[i];
    const auto inputs = graph::input_shapes(node, shapes);
    summary.layers.push_back(
        {&node, shapes[i], graph::parameters(node, inputs), graph::multiply_adds(node.op, inputs)});
  }
  const graph::Cost cost = graph::cost(graph, input);
  summary.parameters += cost.parameters;
  summary.multiply_adds += cost.multiply_adds;
}

void print(const Summary& summary) {
  constexpr const char* kRow = "{:<34} {:<21} {:<18} {:<26} {:>10} {:>14}\n";
  fmt::print(kRow, "layer", "operator", "output NxCxHxW", "weight", "parameters", "multiply-adds");
  for (const Layer& layer : summary.layers) {
    const std::string weight = layer.node->shared_with.empty() ? weight_text(layer.parameters)
                                                               : "of " + layer.node->shared_with;
    fmt::print(kRow, layer.node->name, graph::operator_name(layer.node->op),
               graph::to_string(layer.shape), weight, graph::learned_values(layer.parameters),
               layer.multiply_adds);
  }
}

std::string to_json(const models::Model& model, const graph::Shape& input, const Summary& summary) {
  nlohmann::ordered_json layers = nlohmann::ordered_json::array();
  for (const Layer& layer : summary.layers) {
    const graph::Shape& shape = layer.shape;
    layers.push_back({{"name", layer.node->name},
                      {"op", graph::operator_name(layer.node->op)},
                      {"shape", {shape.n, shape.c, shape.h, shape.w}}});
  }
  nlohmann::ordered_json heads = nlohmann::ordered_json::array();
  for (const models::Head& head : model.detector().heads) {
    heads.push_back({{"name", head.name}, {"values", head.values}});
  }
  const nlohmann::ordered_json document = {{"model", model.name},
                                           {"width", input.w},
                                           {"height", input.h},
                                           {"parameters", summary.parameters},
                                           {"macs", summary.multiply_adds},
                                           {"anchors", summary.anchors},
                                           {"heads", heads},
                                           {"layers", layers},
                                           {"origin", kOriginMark}};
  return document.dump(1) + "\n";
}

int summarize(const Options& options) {
  const std::shared_ptr<const models::Model> found = models::model_by_name_or_path(options.model);
  const models::Model& model = *found;
  const ImageSize size = parse_size("--size", options.size);
  const graph::Shape input = {1, 3, size.height, size.width};
  const std::vector<models::SizedNetwork> networks =
      models::networks_of(model, size.width, size.height);
  Summary summary;
  for (const models::SizedNetwork& network : networks) {
    const std::string problem = graph::size_problem(network.graph, network.input);
    if (!problem.empty()) {
      throw UsageError(
          fmt::format("--size: {}x{} pixels: {}", network.input.w, network.input.h, problem));
    }
    add(network.graph, network.input, summary);
  }
  summary.anchors = detection::anchor_count(model.detector().anchors, input.h, input.w);
  if (!options.json.empty()) {
    pipeline::OutputGuard guard(options.overwrite, kOptionSpelling);
    guard.reads_model(options.model);
    guard.writes(options.json, pipeline::OutputKind::kReport);
    pipeline::write_report(options.json, to_json(model, input, summary));
  } else {
    print(summary);
  }
  std::string heads;
  for (const models::Head& head : model.detector().heads) {
    heads += fmt::format("{}{} {}", heads.empty() ? "" : ", ", head.name, head.values);
  }
  if (!heads.empty()) print_table(options.json, "values of each anchor: {}\n", heads);
  print_table(options.json,
              "{} at {}x{}: {} layers, {} parameters, {:.1f} M multiply-adds, {} anchors\n",
              model.name, input.w, input.h, summary.layers.size(), summary.parameters,
              static_cast<double>(summary.multiply_adds) / 1e6, summary.anchors);
  return kSuccess;
}

}  // namespace

Action declare_summary(CLI::App& app) {
  const auto options = std::make_shared<Options>();
  options->model = models::kDefaultModel;
  app.add_option("MODEL", options->model, "name of a model, or a .safetensors file")
      ->capture_default_str();
  app.add_option("--size", options->size, "size of the image, WIDTHxHEIGHT")->capture_default_str();
  add_report_option(app, options->json,
                    "write the same for programs to this file, instead of the table");
  add_overwrite_option(app, options->overwrite);
  return [options] { return summarize(*options); };
}

}  // namespace retinaface::cli
