#include <charconv>
#include <memory>
#include <string>

#include <fmt/format.h>

#include "cli/command.h"
#include "graph/operators.h"
#include "models/catalogue.h"

namespace retinaface::cli {
namespace {

struct Options {
  std::string model;
  std::string size = "640x480";
};

/// "WIDTHxHEIGHT", each 1 to 65536.
graph::Shape parse_size(const std::string& text) {
  graph::Shape shape{1, 3, 0, 0};
  const auto cross = text.find('x');
  const auto number = [&](std::size_t begin, std::size_t end, std::int64_t& value) {
    const auto result = std::from_chars(text.data() + begin, text.data() + end, value);
    return result.ec == std::errc() && result.ptr == text.data() + end && value >= 1 &&
           value <= 65536;
  };
  if (cross == std::string::npos || !number(0, cross, shape.w) ||
      !number(cross + 1, text.size(), shape.h)) {
    throw UsageError(fmt::format("--size: expected WIDTHxHEIGHT like 640x480, found '{}'", text));
  }
  return shape;
}

std::string weight_text(const std::vector<graph::ParameterSpec>& parameters) {
  // The first parameter is the weight; the others are one value a channel.
  return parameters.empty() ? "" : graph::to_string(parameters.front().shape);
}

std::int64_t count(const std::vector<graph::ParameterSpec>& parameters) {
  std::int64_t total = 0;
  for (const graph::ParameterSpec& parameter : parameters) {
    if (parameter.name.find(".running_") != std::string::npos) continue;  // statistics
    std::int64_t elements = 1;
    for (const std::int64_t extent : parameter.shape) elements *= extent;
    total += elements;
  }
  return total;
}

int summarize(const Options& options) {
  const models::Model& model = models::find_model(options.model);
  const graph::Graph graph = model.build();
  const graph::Shape input = parse_size(options.size);
  const std::vector<graph::Shape> shapes = graph::infer_shapes(graph, input);

  fmt::print("{:<28} {:<12} {:<18} {:<18} {:>10} {:>14}\n", "layer", "operator", "output NxCxHxW",
             "weight", "parameters", "multiply-adds");
  std::int64_t all_parameters = 0;
  std::int64_t all_multiply_adds = 0;
  for (std::size_t i = 0; i < shapes.size(); ++i) {
    const graph::Node& node = graph.nodes()[i];
    const auto inputs = graph::input_shapes(node, shapes);
    const auto parameters = graph::parameters(node, inputs);
    const std::int64_t multiply_adds = graph::multiply_adds(node.op, inputs);
    fmt::print("{:<28} {:<12} {:<18} {:<18} {:>10} {:>14}\n", node.name,
               graph::operator_name(node.op), graph::to_string(shapes[i]), weight_text(parameters),
               count(parameters), multiply_adds);
    all_parameters += count(parameters);
    all_multiply_adds += multiply_adds;
  }
  fmt::print("{} at {}x{}: {} layers, {} parameters, {:.1f} M multiply-adds\n", model.name, input.w,
             input.h, shapes.size(), all_parameters, static_cast<double>(all_multiply_adds) / 1e6);
  return kSuccess;
}

}  // namespace

Action declare_summary(CLI::App& app) {
  const auto options = std::make_shared<Options>();
  options->model = models::kDefaultModel;
  app.add_option("MODEL", options->model, "name of a model")->capture_default_str();
  app.add_option("--size", options->size, "size of the picture, WIDTHxHEIGHT")
      ->capture_default_str();
  return [options] { return summarize(*options); };
}

}  // namespace retinaface::cli
