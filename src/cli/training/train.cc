#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <unistd.h>

#include "base/check.h"
#include "base/counted.h"
#include "base/cpu.h"
#include "base/file.h"
#include "cli/category_option.h"
#include "cli/interruption.h"
#include "cli/tell.h"
#include "cli/threads_option.h"
#include "cli/training/commands.h"
#include "cli/training/train_mesh.h"
#include "cli/values.h"
#include "dataset/read_set.h"
#include "dataset/usable_faces.h"
#include "detection/detector_factory.h"
#include "evaluation/validation.h"
#include "models/catalogue.h"
#include "models/load_model.h"
#include "models/model_argument.h"
#include "runtime/training_backends/process_settings.h"
#include "runtime/training_backends/training_backends.h"
#include "training/mesh_decoder_trainer.h"
#include "training/mesh_recipe.h"
#include "training/teachers.h"
#include "training/trainer.h"
#include "training/training_report.h"
#include "training/training_step.h"

namespace retinaface::cli {
namespace {

namespace fs = std::filesystem;

struct Options {
  std::string recipe;
  std::vector<std::string> changes;
  std::vector<std::string> data;
  dataset::ChosenCategories categories;
  std::string out;
  std::string init;
  std::vector<std::string> teachers;
  std::string val;
  std::string images;   ///< of the mesh branch's labels
  std::string decoder;  ///< of the mesh branch
  training::Engine engine;
  std::uint64_t seed = 1;
  std::int64_t steps = 0;
  std::int64_t checkpoint_every = 0;
  int threads = 0;
  int cache_mb = 2048;
  std::int64_t worker_timeout = training::kWorkerTimeout.count();
  bool resume = false;
};

std::string duration(double seconds) {
  const auto whole = static_cast<std::int64_t>(seconds);
  if (whole >= 3600) return fmt::format("{} h {:02} min", whole / 3600, whole / 60 % 60);
  if (whole >= 60) return fmt::format("{} min {:02} s", whole / 60, whole % 60);
  return fmt::format("{} s", whole);
}

/// "  NAME VALUE" of each.
std::string figures_text(const training::Metrics& figures) {
  std::string text;
  for (const auto& [name, value] : figures) text += fmt::format("  {} {:.2f}", name, value);
  return text;
}

/// One line that is written over on a terminal; elsewhere one line in fifty steps.
class ProgressReport {
 public:
  ~ProgressReport() { end_line(); }

  /// What goes wrong with an image, from any thread.
  void tell_of(const std::string& problem) {
    const std::lock_guard lock(mutex_);
    end_line();
    tell("retinaface: {}\n", problem);
  }

  void show(const training::TrainingProgress& progress) {
    const std::lock_guard lock(mutex_);
    const bool due = on_terminal_ || progress.step % 50 == 1 || progress.step == progress.steps;
    if (due) {
      std::string terms;
      for (const training::LossTerm& term : progress.loss.terms) {
        terms += fmt::format("{}{} {:.3f}", terms.empty() ? "" : " ", term.head, term.value);
      }
      const double distance = progress.loss.teacher;
      if (distance > 0) terms += fmt::format(" teacher {:.3f}", distance);
      const double mesh = progress.loss.mesh;
      if (mesh > 0) terms += fmt::format(" mesh {:.4f}", mesh);
      const std::string line = fmt::format(
          "epoch {}/{} step {}/{}  loss {:.3f} ({})  rate {:.2g}  {:.1f} images/s  waiting {:.1f}% "
          " {} left",
          progress.epoch, progress.epochs, progress.step, progress.steps, progress.loss.total,
          terms, progress.learning_rate, progress.images_per_second, 100 * progress.waiting_share,
          duration(progress.seconds_left));
      tell("{}{}", on_terminal_ ? "\r\x1b[K" : "", line);
      open_ = true;
      if (!on_terminal_) end_line();
    }
    if (progress.validation) {
      end_line();
      tell("validated after epoch {}:{}\n", progress.epoch, figures_text(*progress.validation));
    }
  }

 private:
  void end_line() {
    if (open_) tell("\n");
    open_ = false;
  }

  std::mutex mutex_;
  bool on_terminal_ = ::isatty(STDERR_FILENO) != 0;
  bool open_ = false;
};

int thread_count(const Options& options) {
  return retinaface::thread_count(options.threads);
}

/// Where this process stands among those that mpirun, srun or torchrun may have started.
training::ProcessPlace place_among_processes() {
  return training::place_from_environment([](const char* name) -> std::optional<std::string> {
    const char* const value = std::getenv(name);
    if (value == nullptr) return std::nullopt;
    return value;
  });
}

/// A line on standard error, of the first process only.
void say(const training::ProcessGroup& processes, const std::string& line) {
  if (processes.rank() == 0) tell("retinaface: {}\n", line);
}

training::TrainingOptions training_options(const Options& options,
                                           training::ProcessGroup& processes) {
  training::TrainingOptions result;
  result.out = options.out;
  result.seed = options.seed;
  if (options.steps > 0) result.steps = options.steps;
  result.checkpoint_every = options.checkpoint_every;
  result.resume = options.resume;
  result.engine = options.engine;
  result.threads = thread_count(options);
  result.loader_threads = thread_count(options);
  result.cache_bytes = static_cast<std::size_t>(options.cache_mb) << 20;
  result.stop = &end_cleanly_when_interrupted();
  result.processes = &processes;
  if (options.init.empty()) {
    say(processes, "no --init: training starts from scratch");
  } else {
    result.initial = models::load_weights_by_name_or_path(options.init);
    result.initial_name = printable(options.init);
  }
  return result;
}

/// The mesh branch of --init, with which a recipe that trains it begins.
graph::Weights branch_to_start_from(const Options& options) {
  constexpr const char* kRemedy =
      "expected a model with a mesh branch, since the recipe trains it (branch.weight)";
  if (options.init.empty()) throw UsageError(fmt::format("--init: {}", kRemedy));
  models::LoadedModel model = models::load_model_by_name_or_path(options.init);
  if (model.mesh.tensors.empty()) {
    fail(ErrorCode::kBadData, "{}: {}, found none; recipes/mesh.toml makes one",
         printable(options.init), kRemedy);
  }
  return std::move(model.mesh);
}

std::optional<evaluation::ValidationSet> validation_set(const Options& options,
                                                        const training::ProcessGroup& processes) {
  if (!options.val.empty()) return evaluation::ValidationSet(options.val, options.categories);
  say(processes, "no --val: the weights are not validated, best is last");
  return std::nullopt;
}

/// The sets with what can be learnt of them; says what cannot.
std::vector<dataset::TrainingSet> read_sets(const Options& options) {
  std::vector<dataset::TrainingSet> sets;
  std::size_t faces = 0;
  for (const std::string& folder : options.data) {
    dataset::TrainingSet& set =
        sets.emplace_back(dataset::read_training_set(folder, options.categories));
    const dataset::UsableFaces usable = dataset::keep_usable(set);
    const bool any_inside = usable.faces == 0 || dataset::any_face_inside(set);
    if (any_inside) faces += usable.faces;
    if (!set.left_out.empty()) {
      tell(
          "retinaface: {}: {} left out, such as this: {}; `retinaface dataset check` lists "
          "them\n",
          folder, counted(set.left_out.size(), "image"), set.left_out.front().problem);
    }
    if (!any_inside) {
      tell(
          "retinaface: {}: no face to learn among {}: the boxes of {} lie outside their "
          "images\n",
          folder, counted(usable.images, "image"), counted(usable.faces, "face"));
    }
    if (usable.faces == 0) {
      tell("retinaface: {}: no face to learn among {} ({} ignored, {} of boxes without area)\n",
           folder, counted(usable.images, "image"), usable.ignored, usable.empty);
    }
    if (usable.far_points > 0) {
      tell(
          "retinaface: {}: {} with points far from the box, such as in {}, learnt without "
          "points; `retinaface dataset check` lists them\n",
          folder, counted(usable.far_points, "face"), usable.example);
    }
  }
  if (faces == 0) {
    fail(ErrorCode::kBadData,
         "--data: expected annotated faces to learn, found none; `retinaface dataset check` says "
         "what the annotations hold");
  }
  return sets;
}

/// Judges weights by the detector that users would run with them.
training::Validation judge_by(const evaluation::ValidationSet& set, const Options& options) {
  return [&set, &options](const graph::Weights& weights) {
    const Detector detector = detection::DetectorFactory::make(
        models::model_of_weights(weights.clone(), "the weights so far"));
    return set.judge(detector, thread_count(options), [](const std::string& problem) {
      tell("retinaface: {}; left out of the validation\n", problem);
    });
  };
}

/// A recipe of the mesh branch has no use for options of the detector's training.
void refuse_options_of_detectors(const Options& options) {
  const std::pair<const char*, bool> given[] = {
      {"--val", !options.val.empty()},
      {"--teacher", !options.teachers.empty()},
      {"--steps", options.steps > 0},
      {"--checkpoint-every", options.checkpoint_every > 0},
      {"--backend", !options.engine.backend.empty()},
      {"--device", options.engine.device != training::Engine{}.device}};
  for (const auto& [option, is_given] : given) {
    if (!is_given) continue;
    throw UsageError(
        fmt::format("{} does not go with a recipe for the mesh branch or its decoder", option));
  }
}

int run(const Options& options) {
  const std::filesystem::path recipe_file = training::find_recipe(options.recipe);
  const MeshTrainingRequest mesh = {
      recipe_file,  options.changes, options.data, options.images,        options.decoder,
      options.init, options.out,     options.seed, thread_count(options), options.resume};
  const bool is_of_branch = training::is_mesh_recipe(recipe_file);
  if (is_of_branch || training::is_mesh_decoder_recipe(recipe_file)) {
    refuse_options_of_detectors(options);
    return is_of_branch ? train_mesh_branch(mesh) : train_mesh_decoder(mesh);
  }
  if (!options.images.empty() || !options.decoder.empty()) {
    throw UsageError("--images and --decoder go with a recipe for the mesh branch");
  }
  runtime::training_backends().trainer(options.engine.backend,
                                       options.engine.device);  // before long work
  const training::Recipe recipe = training::read_recipe(recipe_file, options.changes);
  std::vector<dataset::TrainingSet> sets = read_sets(options);
  runtime::keep_step_memory();
  runtime::set_threads(thread_count(options));
  training::ProcessGroup processes(place_among_processes(),
                                   std::chrono::seconds(options.worker_timeout));
  training::TrainingOptions training = training_options(options, processes);
  if (recipe.branch.weight > 0) training.branch = branch_to_start_from(options);
  const std::optional<evaluation::ValidationSet> validation = validation_set(options, processes);
  if (validation) training.validate = judge_by(*validation, options);
  if (training::usable_arithmetic(recipe, options.engine) != recipe.arithmetic) {
    say(processes, "this processor has no bfloat16 instructions: the arithmetic is float32");
  }
  std::optional<training::Teachers> teachers;
  if (options.teachers.empty()) {
    if (recipe.distillation != training::DistillationOptions{}) {
      say(processes, "no --teacher: the recipe's [distillation] is not used");
    }
  } else {
    teachers.emplace(options.teachers, recipe, thread_count(options), options.engine);
    training.teachers = &*teachers;
  }
  training::TrainingResult result;
  {
    ProgressReport progress_report;
    training.progress = [&](const training::TrainingProgress& progress) {
      progress_report.show(progress);
    };
    training.report = [&](const std::string& problem) { progress_report.tell_of(problem); };
    result = training::train(recipe, sets, training);
  }
  if (!result.finished) {
    say(processes, fmt::format("stopped after {}; go on with --resume",
                               counted(static_cast<std::size_t>(result.steps), "step")));
    return kSomeFailed;
  }
  if (processes.rank() != 0) return kSuccess;
  if (!result.validation.empty()) {
    say(processes, fmt::format("the last weights:{}", figures_text(result.validation)));
  }
  const fs::path page = training::write_training_report(
      {options.out, recipe, std::move(sets), options.seed, validation ? &*validation : nullptr});
  say(processes, fmt::format("done; the report is {}", printable(page)));
  return kSuccess;
}

/// "NAME (what it is), ..." of all.
std::string backend_list() {
  std::string list;
  for (const runtime::Backend& backend : runtime::training_backends().backends()) {
    if (!backend.train) continue;
    list += fmt::format("{}{} ({})", list.empty() ? "" : ", ", backend.name, backend.summary);
  }
  return list;
}

/// What --device may be, an example of what depends on build and machine included.
std::string device_help() {
  const runtime::Backend* const other = runtime::training_backends().trainer_on_other_devices();
  if (other == nullptr) return "where";
  return fmt::format("where: {}, or what the linked libtorch has, such as {}, with --backend {}",
                     runtime::kProcessor, other->other_device, other->name);
}

}  // namespace

Action declare_training(CLI::App& app) {
  const auto options = std::make_shared<Options>();
  app.add_option("RECIPE", options->recipe, "what to train and how (recipes/NAME.toml)")
      ->required();
  // Options of several values take one each time, or they would take the recipe after them.
  app.add_option("--set", options->changes,
                 "a value in place of the recipe's, as TOML: 'schedule.epochs = 3'; again for more")
      ->allow_extra_args(false);
  app.add_option(
         "--data", options->data,
         "annotated images: a folder, or a file of annotations in any form that `dataset check` "
         "reads (RetinaFace's, WIDER's, COCO's, VOC's, YOLO's, or points alone); give it again to "
         "train on several")
      ->required()
      ->allow_extra_args(false);
  app.add_option(
         "-o,--out,--output", options->out,
         "folder for best.safetensors, last.safetensors, the checkpoint, metrics (JSON lines "
         "and TensorBoard's events) and report/index.html")
      ->required();
  app.add_option(
      "--init", options->init,
      "start from these weights: a backbone or a whole detector (.safetensors), or a model's "
      "name");
  app.add_option(
         "--teacher", options->teachers,
         "learn this detector's outputs too, as [distillation] of the recipe says: a built-in "
         "model's name, or a .safetensors file, also of `import`, with the same strides and as "
         "many anchors in a cell; may be given several times where distillation.teachers says "
         "which of them teaches which level")
      ->allow_extra_args(false);
  app.add_option("--val", options->val,
                 "validate on these images: as --data, or WIDER FACE's folder with "
                 "ground_truth/ beside it");
  app.add_option("--images", options->images,
                 "with a recipe for the mesh branch, whose --data is a file of labels: the folder "
                 "that their names start from (default: the file's)");
  app.add_option("--decoder", options->decoder,
                 "with a recipe for the mesh branch: shapes and textures, as tools/mesh/decoder.py "
                 "writes them, or a model that has them");
  add_category_option(app, options->categories);
  app.add_option("--seed", options->seed,
                 "of all random choices: first weights, order of the images, augmentation")
      ->check(whole_number(0))
      ->capture_default_str();
  app.add_option("--steps", options->steps, "end after this many steps, on the same schedule")
      ->check(whole_number(1));
  app.add_option("--checkpoint-every", options->checkpoint_every,
                 "steps between checkpoints (default: five minutes)")
      ->check(whole_number(1));
  app.add_flag("--resume", options->resume, "go on from the checkpoint in --out");
  app.add_option("--backend", options->engine.backend,
                 fmt::format("what computes the network and its gradients: {}", backend_list()));
  app.add_option("--device", options->engine.device, device_help())->capture_default_str();
  add_threads_option(app, options->threads, "threads to train with");
  app.add_option("--worker-timeout", options->worker_timeout,
                 "of several processes: seconds without a word from one of them after which the "
                 "others end, to go on with --resume")
      ->check(whole_number(1, 1'000'000))
      ->capture_default_str();
  app.add_option("--cache-mb", options->cache_mb, "memory for decoded images")
      ->check(whole_number(0, 1 << 20))
      ->capture_default_str();
  return [options] { return run(*options); };
}

}  // namespace retinaface::cli
