#include "interchange/import.h"

#include <memory>
#include <optional>
#include <string>

#include <fmt/format.h>

#include "base/file.h"
#include "cli/command.h"
#include "cli/overwrite_option.h"
#include "image/image_name.h"
#include "models/catalogue.h"
#include "models/load_model.h"
#include "pipeline/output_guard.h"

namespace retinaface::cli {
namespace {

struct Options {
  std::string checkpoint;
  std::string output;
  std::optional<std::string> model;
  std::optional<std::string> part;
  bool overwrite = false;
};

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
  pipeline::OutputGuard guard(options.overwrite);
  guard.reads(options.checkpoint);
  guard.writes(options.output, pipeline::OutputKind::kWeights);
  const Part part = options.part ? Part::kBackbone : Part::kWhole;
  const interchange::PyTorchCheckpoint checkpoint =
      interchange::read_checkpoint(options.checkpoint);
  const models::Model& model =
      options.model ? models::find_model(*options.model) : interchange::model_of(checkpoint, part);
  const graph::Weights weights = interchange::import_checkpoint(checkpoint, model, part);
  graph::write_safetensors(options.output, weights);
  fmt::print("{}: {}{}, {} tensors\n", printable(options.output),
             part == Part::kBackbone ? "the backbone of " : "", model.name, weights.tensors.size());
  return kSuccess;
}

}  // namespace

Action declare_import(CLI::App& app) {
  const auto options = std::make_shared<Options>();
  app.add_option("CHECKPOINT", options->checkpoint,
                 "what torch.save has written (a state dict), or a .safetensors file")
      ->required();
  app.add_option("-o,--output", options->output, "the .safetensors file to write")->required();
  app.add_option("--model", options->model,
                 "name of the model that it is; without it, the one whose tensors it has");
  app.add_option("--part", options->part,
                 "'backbone': take the backbone alone, from a detector or an image classifier");
  add_overwrite_option(app, options->overwrite);
  return [options] { return import(*options); };
}

}  // namespace retinaface::cli
