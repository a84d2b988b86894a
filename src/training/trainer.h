#pragma once

#include <atomic>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "dataset/loader.h"
#include "graph/weights.h"
#include "training/distillation.h"
#include "training/engine.h"
#include "training/process_group.h"
#include "training/progress.h"
#include "training/recipe.h"
#include "training/teachers.h"

namespace retinaface::training {

using Validation = std::function<Metrics(const graph::Weights& weights)>;

struct TrainingOptions {
  std::filesystem::path out;  ///< folder for all results; made if missing
  std::uint64_t seed = 1;
  std::optional<std::int64_t> steps;  ///< stop after this many, on an unchanged schedule
  std::int64_t checkpoint_every = 0;  ///< steps; 0: every five minutes
  bool resume = false;                ///< go on from out/checkpoint.safetensors if there is one
  Engine engine = {};
  int threads = 1;         ///< of the step's own work, besides the network's (set_threads)
  int loader_threads = 1;  ///< that read images and augment them
  std::size_t cache_bytes = 0;
  /// Weights to start from: all of the model's or some of them; the rest is drawn by the seed.
  std::optional<graph::Weights> initial;
  std::string initial_name = "the initial weights";  ///< what messages call them
  /// The mesh branch's tensors to start from, which a recipe that trains it needs.
  std::optional<graph::Weights> branch = std::nullopt;
  Teachers* teachers = nullptr;  ///< whose outputs the network learns too (distillation.h)
  Validation validate;           ///< empty: unvalidated
  std::function<void(const TrainingProgress&)> progress;
  /// Told what goes wrong and does not end the run, such as an image that cannot be read. From any
  /// thread, one call at a time.
  std::function<void(const std::string&)> report = {};
  const std::atomic<bool>* stop = nullptr;  ///< set it to end the run after a checkpoint
  /// The processes that share each batch, null for this one alone. Rank 0 alone validates, reports
  /// progress and writes; all read checkpoints from the same folder.
  ProcessGroup* processes = nullptr;
};

struct TrainingResult {
  std::int64_t steps = 0;
  bool finished = false;       ///< false when stopped from outside
  std::optional<double> best;  ///< the deciding figure of best.safetensors
  Metrics validation = {};     ///< of the last weights; empty without one
};

/// The weights that training starts from: `given` where it has a tensor, He's initialisation
/// elsewhere. With quality focal loss, which all anchors enter, the biases of the scores that are
/// not given say at first that an anchor is a face with a probability of 0.01 (RetinaNet, Lin et
/// al. 2017): else those without a face, nearly all, would outweigh the rest for long. Throws
/// Error(kBadData), the message starting with `source`, when `given` has a tensor that the model
/// lacks or has in another shape.
graph::Weights initial_weights(const models::Model& model, const graph::Weights& given,
                               std::uint64_t seed, const std::string& source,
                               ScoreLoss score = ScoreLoss::kCrossEntropy);

/// Trains by the recipe and writes its results to options.out: the recipe in full, metrics of each
/// step (run_log.h), checkpoints, and the weights of the last checkpoint and of the best validation
/// (without one the two are the same). A run of the same recipe, data, seed and threads gives the
/// same bytes. Throws Error: what reading the data throws; kBadData when a checkpoint is another
/// run's, or the loss is no longer finite; kInvalidArgument when options.out holds a run and resume
/// is not set, or a file of a name that the run would write, which is none of its own.
TrainingResult train(const Recipe& recipe, std::vector<dataset::TrainingSet> sets,
                     const TrainingOptions& options);

}  // namespace retinaface::training
