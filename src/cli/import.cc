#include "interchange/import.h"

#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "base/counted.h"
#include "base/file.h"
#include "cli/command.h"
#include "cli/option_spelling.h"
#include "cli/overwrite_option.h"
#include "cli/values.h"
#include "image/codecs/image_name.h"
#include "interchange/mtcnn_import.h"
#include "interchange/onnx_import.h"
#include "models/catalogue.h"
#include "models/load_model.h"
#include "pipeline/output_guard.h"

namespace retinaface::cli {
namespace {

struct Options {
  std::string checkpoint;
  std::optional<std::string> channels;
  std::vector<float> mean;
  std::optional<float> scale;
  std::string output;
  std::optional<std::string> model;
  std::optional<std::string> part;
  bool overwrite = false;
};

bool is_onnx(const std::string& path) {
  return lower_case_extension(path) == ".onnx";
}

/// Writes the file of a model that is no row of the catalogue, or may be none.
int write_described(const Options& options, const models::LoadedModel& model) {
  graph::write_safetensors(options.output, model.weights);
  std::size_t layers = 0;
  for (const models::SizedNetwork& network : models::networks_of(*model.model, 1, 1)) {
    layers += network.graph.nodes().size();
  }
  fmt::print("{}: {}, {}, {}\n", printable(options.output),
             model.model->summary.empty() ? model.model->name : model.model->summary,
             counted(layers, "layer"), counted(model.weights.tensors.size(), "tensor"));
  return kSuccess;
}

int import_onnx(const Options& options) {
  if (options.model || options.part) {
    throw UsageError("--model, --part: expected a checkpoint; an ONNX file says what it is");
  }
  interchange::OnnxImageOptions image;
  if (options.channels) image.bgr = *options.channels == "bgr";
  if (options.mean.size() == 1) image.mean = {options.mean[0], options.mean[0], options.mean[0]};
  if (options.mean.size() == 3) image.mean = {options.mean[0], options.mean[1], options.mean[2]};
  image.scale = options.scale;
  const std::string name = printable(options.checkpoint);
  return write_described(
      options,
      interchange::import_onnx(interchange::parse_onnx(read_named_file(options.checkpoint), name),
                               image, name));
}

int import(const Options& options) {
  using interchange::Part;
  if (options.part && *options.part != models::kBackbonePart) {
    throw UsageError(fmt::format("--part: expected {}, found '{}'", models::kBackbonePart,
                                 excerpt(*options.part)));
  }
  const std::string extension = lower_case_extension(options.output);
  if (!extension.empty() && extension != ".safetensors") {
    throw UsageError(fmt::format("--output: expected a name that ends in .safetensors, found {}",
                                 printable(options.output)));
  }
  if (options.mean.size() == 2) throw UsageError("--input-mean: expected one number or three");
  if (options.scale == 0.0F) throw UsageError("--input-scale: expected a number over 0, found 0");
  pipeline::OutputGuard guard(options.overwrite, kOptionSpelling);
  guard.reads(options.checkpoint);
  guard.writes(options.output, pipeline::OutputKind::kWeights);
  if (is_onnx(options.checkpoint)) return import_onnx(options);
  if (options.channels || !options.mean.empty() || options.scale) {
    throw UsageError("--input-channels, --input-mean, --input-scale: expected an ONNX file");
  }
  const Part part = options.part ? Part::kBackbone : Part::kWhole;
  const interchange::PyTorchCheckpoint checkpoint =
      interchange::read_checkpoint(options.checkpoint);
  if (!options.model && interchange::is_mtcnn(checkpoint)) {
    if (options.part) throw UsageError("--part: MTCNN has no backbone");
    return write_described(options, interchange::import_mtcnn(checkpoint));
  }
  const models::Model& model =
      options.model ? models::find_model(*options.model) : interchange::model_of(checkpoint, part);
  const graph::Weights weights = interchange::import_checkpoint(checkpoint, model, part);
  graph::write_safetensors(options.output, weights);
  fmt::print("{}: {}{}, {}\n", printable(options.output),
             part == Part::kBackbone ? "the backbone of " : "", model.name,
             counted(weights.tensors.size(), "tensor"));
  return kSuccess;
}

}  // namespace

Action declare_import(CLI::App& app) {
  constexpr double kMaxFloat = std::numeric_limits<float>::max();
  const auto options = std::make_shared<Options>();
  app.add_option("CHECKPOINT", options->checkpoint,
                 "(1) .onnx: a detector or a recogniser (doc/import.md says which); (2) .pth, .pt, "
                 ".tar: the state dict that torch.save has written, of a model of `retinaface "
                 "models` or of MTCNN; (3) .safetensors: the tensors of one of these")
      ->required();
  app.add_option("-o,--output", options->output, "the .safetensors file to write")->required();
  app.add_option("--model", options->model,
                 "name of the model that it is; without it, the one whose tensors it has");
  app.add_option("--part", options->part,
                 "'backbone': take the backbone alone, from a detector or an image classifier");
  app.add_option("--input-channels", options->channels,
                 "of an ONNX file: order of the channels that the network takes (default: its "
                 "family's)")
      ->check(one_of({"rgb", "bgr"}));
  app.add_option("--input-mean", options->mean,
                 "of an ONNX file: subtracted from the image's values, 0 to 255; one number or "
                 "R,G,B in that order of channels (default: the family's)")
      ->delimiter(',')
      ->expected(1, 3)
      ->check(number(-kMaxFloat, kMaxFloat));
  app.add_option("--input-scale", options->scale,
                 "of an ONNX file: what the difference is multiplied by (default: the family's)")
      ->check(number(0, kMaxFloat));
  add_overwrite_option(app, options->overwrite);
  return [options] { return import(*options); };
}

}  // namespace retinaface::cli
