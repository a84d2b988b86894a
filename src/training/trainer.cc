#include "training/trainer.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <functional>

#include "base/check.h"
#include "base/counted.h"
#include "base/file.h"
#include "base/folder_lock.h"
#include "base/logistic.h"
#include "graph/calibration.h"
#include "models/catalogue.h"
#include "models/load_model.h"
#include "runtime/trainable_network.h"
#include "training/checkpoint.h"
#include "training/loss_explosion.h"
#include "training/run_folder.h"
#include "training/run_log.h"
#include "training/training_step.h"

namespace retinaface::training {
namespace {

using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

/// A moving mean over some 20 steps. The first one tells nothing of the others, since it also
/// generates code and gets memory: it counts only until there is a second.
class StepTime {
 public:
  void add(double seconds) {
    constexpr std::int64_t kMemory = 20;
    const std::int64_t weight = std::clamp<std::int64_t>(steps_, 1, kMemory);
    mean_ += (seconds - mean_) / static_cast<double>(weight);
    ++steps_;
  }
  double mean() const { return mean_; }

 private:
  std::int64_t steps_ = 0;
  double mean_ = 0;
};

dataset::LoaderOptions loader_options(const Recipe& recipe, const TrainingOptions& options) {
  std::function<void(const std::string&)> report;
  if (options.report) {
    report = [&report = options.report](const std::string& problem) {
      report(problem + "; another image takes its place");
    };
  }
  return {.augmentation = recipe.augmentation,
          .side_px = recipe.side_px,
          .batch = recipe.batch,
          .seed = options.seed,
          .threads = options.loader_threads,
          .cache_bytes = options.cache_bytes,
          .rank = options.processes != nullptr ? options.processes->rank() : 0,
          .processes = options.processes != nullptr ? options.processes->processes() : 1,
          .report = std::move(report)};
}

/// What a checkpoint must have been made with for this run to go on from it.
std::string describe_run(const Recipe& recipe, std::span<const dataset::TrainingSet> sets,
                         const Teachers* teachers) {
  std::string text = to_toml(recipe);
  for (const dataset::TrainingSet& set : sets) {
    std::size_t faces = 0;
    for (const dataset::AnnotatedImage& image : set.annotations) faces += image.faces.size();
    text += fmt::format("# {} images with {} faces\n", set.annotations.size(), faces);
  }
  if (teachers != nullptr) text += fmt::format("# teacher {}\n", teachers->description());
  return text;
}

/// describe_run of a checkpoint in today's words: a key that recipes did not have then had what is
/// its default now. The text as it is where it is none of ours.
std::string in_todays_words(const std::string& run, const std::string& name) {
  const std::size_t images = run.find("# ");
  if (images == std::string::npos) return run;
  try {
    std::string data = run.substr(images);
    constexpr std::string_view kFormerWord = " pictures with ";
    for (std::size_t at = 0; (at = data.find(kFormerWord, at)) != std::string::npos;) {
      data.replace(at, kFormerWord.size(), " images with ");
    }
    return to_toml(parse_recipe(run, name)) + data;
  } catch (const Error&) {
    return run;  // will differ, and the message says where
  }
}

class Run {
 public:
  Run(const Recipe& recipe, std::vector<dataset::TrainingSet> sets, const TrainingOptions& options)
      : recipe_(recipe),
        options_(options),
        model_(models::find_model(recipe.model)),
        sets_(std::move(sets)),
        processes_(options.processes != nullptr ? *options.processes : alone_),
        step_(recipe, model_, start_weights(), processes_, options.teachers,
              {.engine = options.engine,
               .threads = options.threads,
               .branch = options.branch ? &*options.branch : nullptr,
               .branch_source = options.initial_name}),
        description_(describe_run(recipe, sets_, options.teachers)),
        optimizer_(step_.parameters(), recipe.optimizer),
        average_(step_.values(), recipe.average_decay) {}

  TrainingResult run() {
    prepare();
    while (done_ < last_step_ && !stopped_) {
      one_step();
      if (done_ % loader_->batches_per_epoch() == 0) tell_faces_outside();
    }
    tell_faces_outside();
    const std::string fault = fault_of_weights();
    if (!fault.empty()) diverged(done_, fault);
    // The others stay until it is written: launchers end all processes when one has ended.
    processes_.while_first_works([&] {
      if (options_.validate && last_validated_ != done_ && !stopped_) validate();
      save();
    });
    return {done_, done_ == last_step_, best_, last_validated_ == done_ ? figures_ : Metrics()};
  }

 private:
  graph::Weights start_weights() const {
    static const graph::Weights kNothing;
    return initial_weights(model_, options_.initial ? *options_.initial : kNothing, options_.seed,
                           options_.initial_name, recipe_.loss.score);
  }

  std::filesystem::path file(const char* name) const { return options_.out / name; }

  /// The process that validates and writes.
  bool first() const { return processes_.rank() == 0; }

  /// What all processes do after the same step: stop if any of them was asked to, and wait for the
  /// first to validate or save, which may take longer than their time-out.
  struct Agreement {
    bool stop = false;
    bool wait = false;
  };

  Agreement agree(bool first_has_work) {
    double asked[] = {options_.stop != nullptr && options_.stop->load() ? 1.0 : 0.0,
                      first() && first_has_work ? 1.0 : 0.0};
    processes_.sum(std::span<double>(asked));
    return {asked[0] > 0, asked[1] > 0};
  }

  void prepare() {
    if (recipe_.batch % (processes_.processes() * recipe_.accumulate) != 0) {
      fail(ErrorCode::kInvalidArgument,
           "a batch of {} does not divide by {} processes of {} parts (accumulate) each",
           recipe_.batch, processes_.processes(), recipe_.accumulate);
    }
    make_folders(options_.out);
    if (first()) lock_.emplace(options_.out);
    RunLog::Lengths logged;
    if (holds_own_run(options_.out, options_.resume)) {
      logged = load();
    } else {
      refuse_others_files();
      if (options_.resume && first() && options_.report) {
        options_.report(fmt::format("{}: has no checkpoint to go on from; the training begins",
                                    printable(options_.out)));
      }
    }
    loader_.emplace(sets_, loader_options(recipe_, options_), done_);
    const std::int64_t whole = loader_->batches_per_epoch() * recipe_.schedule.epochs;
    last_step_ = std::min(options_.steps.value_or(whole), whole);
    if (first()) {
      write_file_atomically(file(kRecipeFile), to_toml(recipe_));
      log_.emplace(options_.out, logged);
    }
    last_save_ = start_ = Clock::now();
  }

  /// What a run would replace must be what an earlier one left that came to no checkpoint: the same
  /// recipe tells. One that is not gone on with keeps its weights all the same: its checkpoint may
  /// have been removed.
  void refuse_others_files() const {
    constexpr const char* kWeights[] = {kBestFile, kLastFile};
    if (!options_.resume) refuse_foreign_files(options_.out, kWeights);
    const std::string own = to_toml(recipe_);
    std::error_code ignored;
    if (std::filesystem::is_regular_file(file(kRecipeFile), ignored)) {
      const std::vector<std::byte> content = read_file(file(kRecipeFile));
      if (std::ranges::equal(content, std::as_bytes(std::span(own)))) return;
    }
    constexpr const char* kNames[] = {kRecipeFile,  kBestFile,   kLastFile,
                                      kMetricsFile, kEventsFile, kReportFolder};
    refuse_foreign_files(options_.out, kNames);
  }

  RunLog::Lengths load() {
    const std::string name = printable(file(kCheckpointFile));
    Checkpoint checkpoint = read_checkpoint(file(kCheckpointFile), step_.parameters());
    checkpoint.run = in_todays_words(checkpoint.run, name);
    expect_run(checkpoint, options_.seed, description_, optimizer_, name);
    if (averaging() == checkpoint.average.empty()) {
      fail(ErrorCode::kBadData, "{}: expected averaged weights if the recipe has them", name);
    }
    done_ = checkpoint.step;
    best_ = checkpoint.best;
    std::ranges::copy(checkpoint.values, step_.values().begin());
    optimizer_.restore(checkpoint.optimizer);
    std::ranges::copy(checkpoint.average, average_.values().begin());
    return checkpoint.logged;
  }

  void one_step() {
    const Clock::time_point start = Clock::now();
    const std::int64_t per_epoch = loader_->batches_per_epoch();
    const double rate = learning_rate(recipe_.schedule, done_, per_epoch);
    last_batch_ = loader_->next();
    const LossValues loss = step_.forward_backward(last_batch_);
    check_loss(loss.total);
    optimizer_.step(rate, done_, step_.gradients(), step_.values());
    if (averaging()) average_.add(step_.values(), done_);
    ++done_;

    step_seconds_.add(seconds_since(start));
    const bool validation_due = validation_is_due(per_epoch);
    const bool save_due = save_is_due();
    const Agreement agreement = agree(validation_due || save_due);
    stopped_ = agreement.stop;
    TrainingProgress progress;
    if (first()) {
      progress = describe(loss, rate, per_epoch);
      log_->add_step(progress);
    }
    // What is spoilt replaces nothing: the next steps' losses tell whether the run goes on.
    if (agreement.wait && fault_of_weights().empty()) {
      processes_.while_first_works([&] {
        if (validation_due) progress.validation = validate();
        if (save_due) save();
      });
    }
    if (!first()) return;
    if (options_.progress) options_.progress(progress);
  }

  /// Before a step changes anything: what the last one wrote is still good.
  void check_loss(double loss) {
    const std::string fault = explosion_.fault_of(loss);
    if (!fault.empty()) diverged(done_ + 1, fault);
  }

  /// What is wrong with the weights as they are now; empty if nothing is. A step's loss is that of
  /// the weights before it: theirs is taken of the same batch again, by all processes together, and
  /// changes nothing.
  std::string fault_of_weights() {
    const auto is_finite = [](float value) { return std::isfinite(value); };
    if (!std::ranges::all_of(step_.values(), is_finite)) return "a weight is no longer finite";
    if (last_batch_.empty()) return {};  // as they were read
    const std::vector<float> before(step_.values().begin(), step_.values().end());
    const double loss = step_.forward_backward(last_batch_).total;
    std::ranges::copy(before, step_.values().begin());  // with the statistics, which it has moved
    return explosion_.fault_alone(loss);
  }

  [[noreturn]] void diverged(std::int64_t step, const std::string& what) const {
    const std::string start = path_exists(file(kLastFile))
                                  ? fmt::format(", from the weights saved last with --init {}",
                                                printable(file(kLastFile)))
                                  : "";
    fail(ErrorCode::kBadData,
         "step {}: {}; lower the learning rate, --set schedule.learning_rate=X below {}, and train "
         "into another folder{}",
         step, what, recipe_.schedule.learning_rate, start);
  }

  /// In one line, when each image was seen or at the end.
  void tell_faces_outside() {
    if (told_outside_ || !first() || !options_.report) return;
    told_outside_ = true;
    const dataset::Loader::FacesOutside outside = loader_->faces_outside();
    if (outside.faces == 0) return;
    options_.report(fmt::format(
        "{} with a box outside the image, such as in {}, not learnt; `retinaface dataset check` "
        "lists them",
        counted(outside.faces, "face"), printable(outside.example)));
  }

  bool validation_is_due(std::int64_t per_epoch) const {
    const bool epoch_ends = done_ % per_epoch == 0;
    return options_.validate && epoch_ends &&
           done_ / per_epoch % recipe_.validate_every_epochs == 0;
  }

  TrainingProgress describe(const LossValues& loss, double rate, std::int64_t per_epoch) const {
    TrainingProgress progress;
    progress.step = done_;
    progress.steps = last_step_;
    progress.epoch = (done_ - 1) / per_epoch + 1;
    progress.epochs = recipe_.schedule.epochs;
    progress.loss = loss;
    progress.learning_rate = rate;
    progress.images_per_second = recipe_.batch / step_seconds_.mean();
    progress.seconds_left = static_cast<double>(last_step_ - done_) * step_seconds_.mean();
    progress.waiting_share = loader_->waited_seconds() / std::max(seconds_since(start_), 1e-9);
    return progress;
  }

  bool averaging() const { return recipe_.average_decay > 0; }

  /// The weights that others get to see.
  graph::Weights weights() const {
    const std::span<const float> values = averaging() ? average_.values() : step_.values();
    graph::Weights result = step_.weights_from(values);
    result.metadata.merge(models::metadata(model_));
    return result;
  }

  Metrics validate() {
    graph::Weights now = weights();
    Metrics figures = options_.validate(now);
    RF_CHECK(!figures.empty());
    last_validated_ = done_;
    figures_ = figures;
    log_->add_validation(done_, figures);
    if (!best_ || figures.front().second > *best_) {
      best_ = figures.front().second;
      graph::write_safetensors(file(kBestFile), now);
    }
    return figures;
  }

  bool save_is_due() const {
    constexpr double kSecondsBetween = 300;
    return options_.checkpoint_every > 0 ? done_ % options_.checkpoint_every == 0
                                         : seconds_since(last_save_) >= kSecondsBetween;
  }

  void save() {
    const graph::Weights now = weights();
    graph::write_safetensors(file(kLastFile), now);
    if (!options_.validate) graph::write_safetensors(file(kBestFile), now);
    Checkpoint checkpoint;
    checkpoint.step = done_;
    checkpoint.seed = options_.seed;
    checkpoint.run = description_;
    checkpoint.best = best_;
    checkpoint.logged = log_->lengths();
    const auto copy = [](std::span<const float> from) {
      return std::vector<float>(from.begin(), from.end());
    };
    checkpoint.values = copy(step_.values());
    checkpoint.optimizer = optimizer_.state();
    if (averaging()) checkpoint.average = copy(average_.values());
    write_checkpoint(file(kCheckpointFile), checkpoint, step_.parameters());
    last_save_ = Clock::now();
  }

  const Recipe& recipe_;
  const TrainingOptions& options_;
  const models::Model& model_;
  std::vector<dataset::TrainingSet> sets_;
  ProcessGroup alone_{{}};
  ProcessGroup& processes_;
  TrainingStep step_;
  std::string description_;
  Optimizer optimizer_;
  MovingAverage average_;
  std::optional<dataset::Loader> loader_;
  std::optional<FolderLock> lock_;  // of the first process
  std::optional<RunLog> log_;
  std::optional<double> best_;
  std::int64_t done_ = 0;
  std::int64_t last_step_ = 0;
  std::int64_t last_validated_ = -1;
  Metrics figures_;  ///< of that validation
  bool stopped_ = false;
  bool told_outside_ = false;
  LossExplosion explosion_;
  std::vector<dataset::Sample> last_batch_;
  StepTime step_seconds_;
  Clock::time_point start_;
  Clock::time_point last_save_;
};

/// Gives the scores' biases the log odds of a first guess.
void expect_few_faces(const models::Model& model, graph::Weights& weights) {
  constexpr float kFirstScore = 0.01F;
  const float half_margin = log_odds(kFirstScore) / 2;
  const std::string prefix =
      model.detector().heads[models::score_head(model.detector().heads)].module + ".";
  for (auto& [name, tensor] : weights.tensors) {
    if (!name.starts_with(prefix) || !name.ends_with(".bias")) continue;
    const std::span<float> values = tensor.values();
    for (std::size_t i = 0; i < values.size(); ++i) {
      values[i] = i % 2 == 0 ? -half_margin : half_margin;
    }
  }
}

}  // namespace

graph::Weights initial_weights(const models::Model& model, const graph::Weights& given,
                               std::uint64_t seed, const std::string& source, ScoreLoss score) {
  graph::Weights weights = graph::random_weights(model.network.build(), seed);
  if (score == ScoreLoss::kQualityFocal) expect_few_faces(model, weights);
  for (const auto& [name, tensor] : given.tensors) {
    if (name.starts_with(graph::kCalibrationPrefix)) continue;  // of the weights that were
    const auto own = weights.tensors.find(name);
    if (own == weights.tensors.end()) {
      fail(ErrorCode::kBadData, "{}: has a tensor {}, which the model {} has not", source,
           excerpt(name), model.name);
    }
    if (own->second.shape != tensor.shape) {
      fail(ErrorCode::kBadData, "{}: tensor {} is {}, expected {}", source, name,
           graph::to_string(tensor.shape), graph::to_string(own->second.shape));
    }
    own->second = graph::as_float32(tensor);
  }
  return weights;
}

TrainingResult train(const Recipe& recipe, std::vector<dataset::TrainingSet> sets,
                     const TrainingOptions& options) {
  return Run(recipe, std::move(sets), options).run();
}

}  // namespace retinaface::training
