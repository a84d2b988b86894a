#pragma once

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <type_traits>
#include <vector>

#include "base/folder_lock.h"
#include "base/random.h"
#include "runtime/trainable_network.h"
#include "training/growing_file.h"
#include "training/loss_explosion.h"
#include "training/optimizer.h"

namespace retinaface::training {

/// Where a run is kept and how it begins and ends.
struct EpochRunOptions {
  std::filesystem::path out;  ///< folder
  std::uint64_t seed = 1;
  bool resume = false;
  const std::atomic<bool>* stop = nullptr;  ///< ends the run after an epoch
};

/// An epoch of a run whose learning rate falls to a fiftieth by a cosine, in each of its stages
/// anew.
struct Epoch {
  std::string name;           ///< for errors: "stage points, epoch 3"
  std::int64_t number = 0;    ///< in the run, from 0
  int at = 0;                 ///< in its stage, from 0
  int of = 1;                 ///< that the stage has
  float learning_rate = 0;    ///< where the stage starts
  std::size_t samples = 0;    ///< at least 1
  std::size_t max_batch = 1;  ///< samples of a step, where there are as many

  std::size_t batch() const { return std::min(max_batch, samples); }
  std::size_t steps() const { return samples / batch(); }
};

/// A run by AdamW that keeps a checkpoint and a line of metrics after each epoch, under the names
/// of run_folder.h, and goes on from there bit for bit. What is learnt is the caller's.
class EpochRun {
 public:
  /// Takes the folder for itself; with `resume` the values become the checkpoint's. They lie as
  /// `slots` says and stay where they are; `run` is what must be the same for a run to go on, lines
  /// of text; `epochs` are those of the whole run. Throws Error: what make_folders, FolderLock,
  /// check_folder_of_mesh_run, read_checkpoint and expect_run throw, and kBadData for a checkpoint
  /// with more epochs.
  EpochRun(EpochRunOptions options, std::string run, std::int64_t epochs,
           std::vector<runtime::ParameterSlot> slots, std::span<float> values, float weight_decay);

  /// How many epochs are done.
  std::int64_t done() const { return done_; }

  /// Where the gradient by the values goes, in their order.
  std::span<float> gradient() { return gradient_; }

  /// Does the epoch's steps. loss_of(first, count) is the sum of the losses of so many samples from
  /// the first on, in the order of the epoch, and leaves their mean gradient in gradient(); `total`
  /// is what of it says whether it explodes. Returns the sum over all of them. Throws
  /// Error(kBadData) where the loss explodes.
  template <typename LossOf, typename Total = std::identity>
  auto learn(const Epoch& epoch, const LossOf& loss_of, const Total& total = {}) {
    const std::size_t batch = epoch.batch();
    const std::size_t steps = epoch.steps();
    const auto mean = [&](const auto& loss) {
      return std::invoke(total, loss) / static_cast<double>(batch);
    };
    std::invoke_result_t<LossOf, std::size_t, std::size_t> sum{};
    LossExplosion explosion;
    for (std::size_t step = 0; step < steps; ++step) {
      const auto loss = loss_of(step * batch, batch);
      sum += loss;
      end_at(epoch, explosion.fault_of(mean(loss)));
      move(epoch, step);
    }
    // A step's loss is that of the weights before it: of those that are written now it is taken
    // again.
    end_at(epoch, explosion.fault_alone(mean(loss_of((steps - 1) * batch, batch))));
    return sum;
  }

  /// After an epoch: appends the line to the metrics and saves. Throws Error(kUnwritable).
  void end_epoch(const std::string& line);

  /// Whether the run is to end where it is.
  bool stopped() const { return options_.stop != nullptr && *options_.stop; }

 private:
  std::filesystem::path checkpoint_file() const;
  /// Takes over the checkpoint; returns how many bytes of the metrics are of its epochs.
  std::uint64_t restore(std::int64_t epochs);
  /// Throws Error(kBadData) with what to do, unless the fault is empty.
  static void end_at(const Epoch& epoch, const std::string& fault);
  /// Moves the values by the gradient of the epoch's step.
  void move(const Epoch& epoch, std::size_t step);

  EpochRunOptions options_;
  std::string run_;
  std::vector<runtime::ParameterSlot> slots_;
  std::span<float> values_;
  std::vector<float> gradient_;
  Optimizer optimizer_;
  std::int64_t done_ = 0;
  std::optional<FolderLock> lock_;
  std::optional<GrowingFile> metrics_;
};

/// The numbers below `count`, in any order.
std::vector<std::size_t> shuffled(std::size_t count, Random& random);

/// Adds up the gradients of samples by several threads, so that what comes out does not depend on
/// their number: in kParts parts, each by itself, and those in their order.
class PartGradients {
 public:
  static constexpr std::size_t kParts = 8;

  explicit PartGradients(std::size_t size) : gradients_(kParts, std::vector<float>(size)) {}

  /// Calls add(i, part, gradient), for the i below `count`, which adds the gradient of sample i to
  /// `gradient`; those of one part in a row, by one thread. `mean` becomes that of all.
  void operator()(
      int threads, std::size_t count, std::span<float> mean,
      const std::function<void(std::size_t i, std::size_t part, std::span<float> gradient)>& add);

 private:
  std::vector<std::vector<float>> gradients_;
};

}  // namespace retinaface::training
