#include "cli/training/train_mesh.h"

#include <filesystem>

#include <fmt/format.h>

#include "base/file.h"
#include "cli/command.h"
#include "cli/interruption.h"
#include "cli/progress.h"
#include "cli/tell.h"
#include "dataset/mesh_label.h"
#include "graph/weights.h"
#include "models/catalogue.h"
#include "models/load_model.h"
#include "training/mesh_decoder_trainer.h"
#include "training/mesh_trainer.h"

namespace retinaface::cli {
namespace {

std::string line_of(const training::MeshProgress& p) {
  return fmt::format(
      "{} {}/{}  loss {:.4f} (pixel {:.4f} five {:.4f} points {:.4f} prior {:.4f})  {} unseen "
      "faces: "
      "Lpix {:.4f}, 51 points {:.2f} %, five {:.2f} %",
      p.stage, p.epoch, p.epochs, p.loss.total, p.loss.pixel, p.loss.five, p.loss.points,
      p.loss.prior, p.figures.faces, p.figures.pixel, p.figures.nme_51, p.figures.nme_five);
}

/// The tensors of a file, or those of a model that is found by its name.
graph::Weights decoder_of(const std::string& name_or_path) {
  if (name_or_path.find_first_of("/.") != std::string::npos || file_exists(name_or_path)) {
    return graph::read_safetensors(name_or_path);
  }
  return models::whole_weights(models::load_model_by_name_or_path(name_or_path));
}

}  // namespace

int train_mesh_branch(const MeshTrainingRequest& request) {
  if (request.data.size() != 1) {
    throw UsageError("--data: expected one file of labels with a recipe for the mesh branch");
  }
  if (request.decoder.empty()) {
    throw UsageError(
        "--decoder FILE is missing: a recipe for the mesh branch takes what tools/mesh/decoder.py "
        "writes, or a model with a mesh branch");
  }
  const training::MeshRecipe recipe = training::read_mesh_recipe(request.recipe, request.changes);
  const models::LoadedModel model = models::load_model_by_name_or_path(
      request.init.empty() ? std::string(models::kDefaultModel) : request.init);
  models::expect_one_network_detector(model, "training of a mesh branch");
  if (model.described != nullptr) {
    throw UsageError(
        fmt::format("--init: expected a model of the catalogue, found a network of its own, '{}', "
                    "whose file has "
                    "no place for a mesh branch",
                    model.model->name));
  }
  const graph::Weights decoder = decoder_of(request.decoder);
  const std::filesystem::path labels_file = request.data.front();
  const auto labels = dataset::read_mesh_labels(labels_file);
  training::MeshTrainingOptions options;
  options.out = request.out;
  options.images =
      request.images.empty() ? labels_file.parent_path() : std::filesystem::path(request.images);
  options.seed = request.seed;
  options.threads = request.threads;
  options.resume = request.resume;
  options.stop = &end_cleanly_when_interrupted();
  ProgressLine line("detecting the faces to learn");
  options.progress = [&](const training::MeshProgress& progress) {
    if (progress.epoch == 0) return line.show(progress.done, progress.of);
    line.hide();
    tell("{}\n", line_of(progress));
  };
  const training::MeshTrainingResult result =
      training::train_mesh(recipe, model, decoder, labels, options);
  line.hide();
  if (!result.finished) {
    tell("retinaface: stopped; go on with --resume\n");
    return kSomeFailed;
  }
  tell("retinaface: done; the model with its mesh branch is {}\n",
       printable(options.out / "last.safetensors"));
  return kSuccess;
}

int train_mesh_decoder(const MeshTrainingRequest& request) {
  if (request.data.size() != 1) {
    throw UsageError("--data: expected one file of samples with a recipe for a mesh decoder");
  }
  if (request.decoder.empty()) {
    throw UsageError(
        "--decoder FILE is missing: a recipe for a mesh decoder takes the linear one that "
        "tools/mesh/decoder.py wrote beside the samples");
  }
  if (!request.images.empty() || !request.init.empty()) {
    throw UsageError("--images and --init do not go with a recipe for a mesh decoder");
  }
  const training::MeshDecoderRecipe recipe =
      training::read_mesh_decoder_recipe(request.recipe, request.changes);
  const graph::Weights linear = graph::read_safetensors(request.decoder);
  const graph::Weights samples = graph::read_safetensors(request.data.front());
  training::MeshDecoderTrainingOptions options;
  options.out = request.out;
  options.seed = request.seed;
  options.threads = request.threads;
  options.resume = request.resume;
  options.stop = &end_cleanly_when_interrupted();
  options.progress = [](const training::MeshDecoderProgress& p) {
    tell(
        "epoch {}/{}  loss {:.5f}  unseen: shape {:.3f} % of the eye distance (linear {:.3f}), "
        "texture {:.4f} ({:.4f})\n",
        p.epoch, p.epochs, p.loss, 100 * p.figures.shape, 100 * p.linear.shape, p.figures.texture,
        p.linear.texture);
  };
  if (!training::train_mesh_decoder(recipe, linear, samples, options)) {
    tell("retinaface: stopped; go on with --resume\n");
    return kSomeFailed;
  }
  tell("retinaface: done; the decoder is {}\n", printable(options.out / "last.safetensors"));
  return kSuccess;
}

}  // namespace retinaface::cli
