#include "training/trainer.h"

#include <algorithm>
#include <chrono>
#include <cmath>

#include "base/check.h"
#include "base/file.h"
#include "models/catalogue.h"
#include "runtime/torch/trainable_network.h"
#include "training/checkpoint.h"
#include "training/metrics_log.h"
#include "training/training_step.h"

namespace retinaface::training {
namespace {

using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

dataset::LoaderOptions loader_options(const Recipe& recipe, const TrainingOptions& options) {
  return {.augmentation = recipe.augmentation,
          .side_px = recipe.side_px,
          .batch = recipe.batch,
          .seed = options.seed,
          .threads = options.loader_threads,
          .cache_bytes = options.cache_bytes};
}

/// What a checkpoint must have been made with for this run to go on from it.
std::string run_name(const Recipe& recipe, std::int64_t batches_per_epoch) {
  return fmt::format("{}, {} px, batch {}, {} batches an epoch, {} epochs", recipe.model,
                     recipe.side_px, recipe.batch, batches_per_epoch, recipe.schedule.epochs);
}

class Run {
 public:
  Run(const Recipe& recipe, std::vector<dataset::TrainingSet> sets, const TrainingOptions& options)
      : recipe_(recipe),
        options_(options),
        model_(models::find_model(recipe.model)),
        sets_(std::move(sets)),
        step_(recipe, model_, start_weights()),
        optimizer_(step_.network().parameters(), recipe.optimizer),
        average_(step_.network().values(), recipe.average_decay) {}

  TrainingResult run() {
    prepare();
    while (done_ < last_step_ && !stopped()) one_step();
    if (options_.validate && last_validated_ != done_ && !stopped()) validate();
    save();
    return {done_, done_ == last_step_, best_};
  }

 private:
  graph::Weights start_weights() const {
    static const graph::Weights kNothing;
    return initial_weights(model_, options_.initial ? *options_.initial : kNothing, options_.seed,
                           "the initial weights");
  }

  std::filesystem::path file(const char* name) const { return options_.out / name; }

  bool stopped() const { return options_.stop != nullptr && options_.stop->load(); }

  void prepare() {
    std::filesystem::create_directories(options_.out);
    std::uint64_t metrics_bytes = 0;
    if (std::filesystem::exists(file(kCheckpointFile))) {
      if (!options_.resume) {
        fail(ErrorCode::kInvalidArgument,
             "{}: holds a run already; resume it or choose another folder",
             printable(options_.out));
      }
      metrics_bytes = load();
    }
    loader_.emplace(sets_, loader_options(recipe_, options_), done_);
    const std::int64_t per_epoch = loader_->batches_per_epoch();
    if (const std::string name = run_name(recipe_, per_epoch);
        !checkpoint_run_.empty() && checkpoint_run_ != name) {
      fail(ErrorCode::kBadData, "{}: is of another run: expected {}, found {}",
           printable(file(kCheckpointFile)), name, checkpoint_run_);
    }
    const std::int64_t whole = per_epoch * recipe_.schedule.epochs;
    last_step_ = std::min(options_.steps.value_or(whole), whole);
    log_.emplace(file(kMetricsFile), metrics_bytes);
    last_save_ = start_ = Clock::now();
    first_step_ = done_;
  }

  std::uint64_t load() {
    const Checkpoint checkpoint =
        read_checkpoint(file(kCheckpointFile), step_.network().parameters());
    if (checkpoint.seed != options_.seed) {
      fail(ErrorCode::kBadData, "{}: is of a run with the seed {}, not {}",
           printable(file(kCheckpointFile)), checkpoint.seed, options_.seed);
    }
    if (averaging() != !checkpoint.average.empty()) {
      fail(ErrorCode::kBadData, "{}: is of a run {} averaged weights",
           printable(file(kCheckpointFile)), averaging() ? "without" : "with");
    }
    done_ = checkpoint.step;
    best_ = checkpoint.best;
    checkpoint_run_ = checkpoint.run;
    std::ranges::copy(checkpoint.values, step_.network().values().begin());
    std::ranges::copy(checkpoint.momenta, optimizer_.state().begin());
    std::ranges::copy(checkpoint.average, average_.values().begin());
    return checkpoint.metrics_bytes;
  }

  void one_step() {
    const Clock::time_point start = Clock::now();
    const std::int64_t per_epoch = loader_->batches_per_epoch();
    const double rate = learning_rate(recipe_.schedule, done_, per_epoch);
    const std::vector<dataset::Sample> batch = loader_->next();
    const LossValues loss = step_.forward_backward(batch);
    if (!std::isfinite(loss.total)) {
      fail(ErrorCode::kBadData,
           "step {}: the loss is {}; lower the learning rate ({}) and resume from the last "
           "checkpoint",
           done_ + 1, loss.total, rate);
    }
    optimizer_.step(rate, step_.network().gradients(), step_.network().values());
    if (averaging()) average_.add(step_.network().values(), done_);
    ++done_;

    const double seconds = seconds_since(start);
    step_seconds_ = step_seconds_ > 0 ? 0.95 * step_seconds_ + 0.05 * seconds : seconds;
    TrainingProgress progress = describe(loss, rate, per_epoch);
    log_->add(
        fmt::format(R"({{"step": {}, "epoch": {}, "loss": {}, "loss_cls": {}, "loss_box": {}, )"
                    R"("loss_landmarks": {}, "learning_rate": {}, "images_per_second": {:.2f}, )"
                    R"("waiting_share": {:.4f}}})",
                    done_, progress.epoch, loss.total, loss.cls, loss.box, loss.landmarks, rate,
                    progress.pictures_per_second, progress.waiting_share));
    const bool epoch_ends = done_ % per_epoch == 0;
    if (options_.validate && epoch_ends && done_ / per_epoch % recipe_.validate_every_epochs == 0) {
      progress.validation = validate();
    }
    if (save_is_due()) save();
    if (options_.progress) options_.progress(progress);
  }

  TrainingProgress describe(const LossValues& loss, double rate, std::int64_t per_epoch) const {
    TrainingProgress progress;
    progress.step = done_;
    progress.steps = last_step_;
    progress.epoch = (done_ - 1) / per_epoch + 1;
    progress.epochs = recipe_.schedule.epochs;
    progress.loss = loss;
    progress.learning_rate = rate;
    progress.pictures_per_second = recipe_.batch / step_seconds_;
    progress.seconds_left = static_cast<double>(last_step_ - done_) * step_seconds_;
    progress.waiting_share = loader_->waited_seconds() / std::max(seconds_since(start_), 1e-9);
    return progress;
  }

  bool averaging() const { return recipe_.average_decay > 0; }

  /// The weights that others get to see.
  graph::Weights weights() const {
    const std::span<const float> values =
        averaging() ? average_.values() : step_.network().values();
    graph::Weights result;
    for (const runtime::ParameterSlot& slot : step_.network().parameters()) {
      graph::Tensor tensor = graph::Tensor::of_shape(slot.shape);
      std::ranges::copy(values.subspan(slot.offset, slot.size), tensor.values.begin());
      result.tensors.emplace(slot.name, std::move(tensor));
    }
    result.metadata = models::metadata(model_);
    return result;
  }

  Figures validate() {
    graph::Weights now = weights();
    const Figures figures = options_.validate(now);
    RF_CHECK(!figures.empty());
    last_validated_ = done_;
    std::string line = fmt::format(R"({{"validated_step": {})", done_);
    for (const auto& [name, value] : figures) line += fmt::format(R"(, "{}": {})", name, value);
    log_->add(line + "}");
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
    checkpoint.run = run_name(recipe_, loader_->batches_per_epoch());
    checkpoint.best = best_;
    checkpoint.metrics_bytes = log_->bytes();
    const auto copy = [](std::span<const float> from) {
      return std::vector<float>(from.begin(), from.end());
    };
    checkpoint.values = copy(step_.network().values());
    checkpoint.momenta = copy(optimizer_.state());
    if (averaging()) checkpoint.average = copy(average_.values());
    write_checkpoint(file(kCheckpointFile), checkpoint, step_.network().parameters());
    last_save_ = Clock::now();
  }

  const Recipe& recipe_;
  const TrainingOptions& options_;
  const models::Model& model_;
  std::vector<dataset::TrainingSet> sets_;
  TrainingStep step_;
  Optimizer optimizer_;
  MovingAverage average_;
  std::optional<dataset::Loader> loader_;
  std::optional<MetricsLog> log_;
  std::string checkpoint_run_;
  std::optional<double> best_;
  std::int64_t done_ = 0;
  std::int64_t first_step_ = 0;
  std::int64_t last_step_ = 0;
  std::int64_t last_validated_ = -1;
  double step_seconds_ = 0;
  Clock::time_point start_;
  Clock::time_point last_save_;
};

}  // namespace

graph::Weights initial_weights(const models::Model& model, const graph::Weights& given,
                               std::uint64_t seed, const std::string& source) {
  graph::Weights weights = graph::random_weights(model.build(), seed);
  for (const auto& [name, tensor] : given.tensors) {
    const auto own = weights.tensors.find(name);
    if (own == weights.tensors.end()) {
      fail(ErrorCode::kBadData, "{}: has a tensor {}, which the model {} has not", source, name,
           model.name);
    }
    if (own->second.shape != tensor.shape) {
      fail(ErrorCode::kBadData, "{}: tensor {} is {}, expected {}", source, name,
           graph::to_string(tensor.shape), graph::to_string(own->second.shape));
    }
    own->second = tensor.clone();
  }
  return weights;
}

TrainingResult train(const Recipe& recipe, std::vector<dataset::TrainingSet> sets,
                     const TrainingOptions& options) {
  return Run(recipe, std::move(sets), options).run();
}

}  // namespace retinaface::training
