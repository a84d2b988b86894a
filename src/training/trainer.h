#pragma once

#include <atomic>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "dataset/loader.h"
#include "graph/weights.h"
#include "training/loss.h"
#include "training/recipe.h"

namespace retinaface::training {

/// What a validation found. The first figure decides which weights are the best: more is better.
using Figures = std::vector<std::pair<std::string, double>>;
using Validation = std::function<Figures(const graph::Weights& weights)>;

/// How far a run is, after each step.
struct TrainingProgress {
  std::int64_t step = 0;   ///< done
  std::int64_t steps = 0;  ///< of the whole schedule, or those asked for
  std::int64_t epoch = 0;  ///< counted from 1
  std::int64_t epochs = 0;
  LossValues loss;
  double learning_rate = 0;
  double pictures_per_second = 0;  ///< a moving mean
  double seconds_left = 0;
  double waiting_share = 0;           ///< of the time so far that was spent waiting for data
  std::optional<Figures> validation;  ///< when this step ended with one
};

struct TrainingOptions {
  std::filesystem::path out;  ///< folder for all results; made if missing
  std::uint64_t seed = 1;
  std::optional<std::int64_t> steps;  ///< stop after this many, on an unchanged schedule
  std::int64_t checkpoint_every = 0;  ///< steps; 0: every five minutes
  bool resume = false;                ///< go on from out/checkpoint.safetensors if there is one
  int loader_threads = 1;
  std::size_t cache_bytes = 0;
  /// Weights to start from: all of the model's or some of them; the rest is drawn by the seed.
  std::optional<graph::Weights> initial;
  Validation validate;  ///< empty: unvalidated
  std::function<void(const TrainingProgress&)> progress;
  const std::atomic<bool>* stop = nullptr;  ///< set it to end the run after a checkpoint
};

/// Names of the files that a run writes to its folder.
inline constexpr const char* kCheckpointFile = "checkpoint.safetensors";
inline constexpr const char* kMetricsFile = "metrics.jsonl";
inline constexpr const char* kBestFile = "best.safetensors";
inline constexpr const char* kLastFile = "last.safetensors";

struct TrainingResult {
  std::int64_t steps = 0;
  bool finished = false;       ///< false when stopped from outside
  std::optional<double> best;  ///< the deciding figure of best.safetensors
};

/// The weights that training starts from: `given` where it has a tensor, He's initialisation
/// elsewhere. Throws Error(kBadData), the message starting with `source`, when `given` has a tensor
/// that the model lacks or has in another shape.
graph::Weights initial_weights(const models::Model& model, const graph::Weights& given,
                               std::uint64_t seed, const std::string& source);

/// Trains by the recipe and writes its results to options.out: a line of metrics per step,
/// checkpoints, and the weights of the last checkpoint and of the best validation (without one the
/// two are the same). A run of the same recipe, data, seed and threads gives the same bytes.
/// Throws Error: what reading the data throws; kBadData when a checkpoint is another run's, or the
/// loss is no longer finite; kInvalidArgument when options.out holds a run and resume is not set.
TrainingResult train(const Recipe& recipe, std::vector<dataset::TrainingSet> sets,
                     const TrainingOptions& options);

}  // namespace retinaface::training
