#include <algorithm>
#include <memory>
#include <optional>
#include <string>

#include <fmt/format.h>

#include "base/counted.h"
#include "base/file.h"
#include "cli/command.h"
#include "cli/option_spelling.h"
#include "cli/overwrite_option.h"
#include "cli/values.h"
#include "graph/calibration.h"
#include "image/codecs/image_name.h"
#include "interchange/onnx_export.h"
#include "models/catalogue.h"
#include "models/load_model.h"
#include "pipeline/output_guard.h"

namespace retinaface::cli {
namespace {

struct Options {
  std::string model;
  std::string format;
  std::string output;
  std::string init;
  std::optional<std::uint64_t> seed;
  std::optional<std::string> size;
  std::optional<std::int64_t> batch;
  bool with_nms = false;
  std::optional<float> min_score;
  bool overwrite = false;
};

models::LoadedModel load(const Options& options) {
  if (options.init.empty()) {
    if (options.seed) throw UsageError("--seed: expected --init random beside it");
    return models::load_model_by_name_or_path(options.model);
  }
  const models::Model& model = models::find_model(options.model);
  graph::Graph graph = model.network.build();
  graph::Weights weights = graph::random_weights(graph, options.seed.value_or(0));
  weights.metadata = models::metadata(model);
  return {&model, std::move(graph), std::move(weights)};
}

/// What the output's extension says, if it says something; it must not say otherwise than --format.
std::string format_of(const Options& options) {
  const std::string extension = lower_case_extension(options.output);
  const std::string told =
      extension == ".onnx" || extension == ".safetensors" ? extension.substr(1) : "";
  if (told.empty() && !extension.empty()) {
    throw UsageError(
        fmt::format("--output: expected a name that ends in .onnx or .safetensors, found {}",
                    printable(options.output)));
  }
  if (!options.format.empty() && !told.empty() && options.format != told) {
    throw UsageError(
        fmt::format("--output: expected a name that ends in .{}, as --format says, found {}",
                    options.format, printable(options.output)));
  }
  if (!options.format.empty()) return options.format;
  return told.empty() ? "onnx" : told;
}

interchange::OnnxExportOptions onnx_options(const Options& options) {
  interchange::OnnxExportOptions onnx;
  if (options.size) {
    const ImageSize size = parse_size("--size", *options.size);
    onnx.input = {options.batch.value_or(1), size.height, size.width};
  }
  if (options.with_nms) {
    onnx.faces.emplace();
    if (options.min_score) onnx.faces->min_score = *options.min_score;
  }
  return onnx;
}

int export_model(const Options& options) {
  const bool is_onnx = format_of(options) == "onnx";
  if (!is_onnx && options.size) throw UsageError("--size: expected --format onnx beside it");
  if (options.batch && !options.size) throw UsageError("--batch: expected --size beside it");
  if (options.with_nms && !options.size) {
    throw UsageError("--with-nms: expected --size beside it, such as --size 640x480");
  }
  if (options.min_score && !options.with_nms) {
    throw UsageError("--min-score: expected --with-nms beside it");
  }
  pipeline::OutputGuard guard(options.overwrite, kOptionSpelling);
  guard.reads_model(options.model);
  guard.writes(options.output,
               is_onnx ? pipeline::OutputKind::kOnnx : pipeline::OutputKind::kWeights);
  models::LoadedModel model = load(options);
  const std::string name = model.model->name;
  const auto tensors =
      static_cast<std::size_t>(std::ranges::count_if(model.weights.tensors, [](const auto& entry) {
        return !entry.first.starts_with(graph::kCalibrationPrefix);
      }));
  if (is_onnx) {
    models::expect_one_network_detector(model, "export --format onnx");
    write_file_atomically(options.output, interchange::export_onnx(model, onnx_options(options)));
  } else {
    graph::write_safetensors(options.output, models::whole_weights(std::move(model)));
  }
  fmt::print("{}: {}, {}\n", printable(options.output), name, counted(tensors, "tensor"));
  return kSuccess;
}

}  // namespace

Action declare_export(CLI::App& app) {
  const auto options = std::make_shared<Options>();
  options->model = models::kDefaultModel;
  app.add_option("MODEL", options->model,
                 "name of a model (retinaface models), or a .safetensors file")
      ->capture_default_str();
  app.add_option("-o,--output", options->output, "the file to write")->required();
  app.add_option(
         "--format", options->format,
         "onnx, or safetensors, which this program reads (--model); default: as the extension of "
         "--output says")
      ->check(one_of({"onnx", "safetensors"}));
  app.add_option("--init", options->init,
                 "'random': the model's network with random weights, as training starts with")
      ->check(one_of({"random"}));
  app.add_option("--seed", options->seed, "seed of --init random (default 0)")
      ->check(whole_number(0));
  app.add_option("--size", options->size,
                 "WIDTHxHEIGHT: an ONNX file for images of this size alone, its shapes all "
                 "constant, as OpenCV's reader and many accelerators' compilers need it (default: "
                 "images of any size and number)");
  app.add_option("--batch", options->batch, "with --size: images at once (default 1)")
      ->check(whole_number(1, 4096));
  app.add_flag("--with-nms", options->with_nms,
               "with --size: end in faces (boxes, scores, landmarks, in pixels), overlapping ones "
               "suppressed, in the place of the heads' raw values");
  app.add_option("--min-score", options->min_score,
                 fmt::format("with --with-nms: of the faces that are given (default {})",
                             DetectOptions::kDefaultMinScore))
      ->check(number(0, 1));
  add_overwrite_option(app, options->overwrite);
  return [options] { return export_model(*options); };
}

}  // namespace retinaface::cli
