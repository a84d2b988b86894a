#include "training/epoch_run.h"

#include <numeric>
#include <utility>

#include "base/check.h"
#include "base/file.h"
#include "base/parallel.h"
#include "mesh/rows.h"
#include "training/checkpoint.h"
#include "training/run_folder.h"
#include "training/schedule.h"

namespace retinaface::training {

EpochRun::EpochRun(EpochRunOptions options, std::string run, std::int64_t epochs,
                   std::vector<runtime::ParameterSlot> slots, std::span<float> values,
                   float weight_decay)
    : options_(std::move(options)),
      run_(std::move(run)),
      slots_(std::move(slots)),
      values_(values),
      gradient_(values.size()),
      optimizer_(slots_, {.method = Method::kAdamW,
                          .momentum = 0.9F,
                          .square_decay = 0.99F,
                          .weight_decay = weight_decay,
                          .decay_norms_and_biases = false}) {
  make_folders(options_.out);
  lock_.emplace(options_.out);
  check_folder_of_mesh_run(options_.out, options_.resume);  // what another run has left meanwhile
  const std::uint64_t logged = options_.resume ? restore(epochs) : 0;
  metrics_.emplace(options_.out / kMetricsFile, logged);
}

std::filesystem::path EpochRun::checkpoint_file() const {
  return options_.out / kCheckpointFile;
}

std::uint64_t EpochRun::restore(std::int64_t epochs) {
  const std::string source = printable(checkpoint_file());
  Checkpoint checkpoint = read_checkpoint(checkpoint_file(), slots_);
  expect_run(checkpoint, options_.seed, run_, optimizer_, source);
  if (checkpoint.step > epochs) {
    fail(ErrorCode::kBadData, "{}: expected at most {} epochs that are done, found {}", source,
         epochs, checkpoint.step);
  }
  done_ = checkpoint.step;
  std::ranges::copy(checkpoint.values, values_.begin());
  optimizer_.restore(std::move(checkpoint.optimizer));
  return checkpoint.logged.metrics;
}

void EpochRun::end_at(const Epoch& epoch, const std::string& fault) {
  if (fault.empty()) return;
  fail(ErrorCode::kBadData, "{}: {}; lower the learning rate ({}) and train into another folder",
       epoch.name, fault, epoch.learning_rate);
}

void EpochRun::move(const Epoch& epoch, std::size_t step) {
  const auto steps = static_cast<std::int64_t>(epoch.steps());
  const auto at = static_cast<std::int64_t>(step);
  const ScheduleOptions schedule = {.learning_rate = epoch.learning_rate,
                                    .epochs = epoch.of,
                                    .decay = Decay::kCosine,
                                    .final_factor = 0.02F};
  optimizer_.step(learning_rate(schedule, epoch.at * steps + at, steps), epoch.number * steps + at,
                  gradient_, values_);
}

void EpochRun::end_epoch(const std::string& line) {
  metrics_->append(line);
  ++done_;
  Checkpoint checkpoint;
  checkpoint.step = done_;
  checkpoint.seed = options_.seed;
  checkpoint.run = run_;
  checkpoint.logged.metrics = metrics_->bytes();
  checkpoint.values.assign(values_.begin(), values_.end());
  checkpoint.optimizer = optimizer_.state();
  write_checkpoint(checkpoint_file(), checkpoint, slots_);
}

std::vector<std::size_t> shuffled(std::size_t count, Random& random) {
  std::vector<std::size_t> order(count);
  std::iota(order.begin(), order.end(), std::size_t{0});
  random.shuffle(std::span<std::size_t>(order));
  return order;
}

void PartGradients::operator()(
    int threads, std::size_t count, std::span<float> mean,
    const std::function<void(std::size_t, std::size_t, std::span<float>)>& add) {
  for_each_item(threads, kParts, [&](std::size_t part, std::size_t) {
    std::ranges::fill(gradients_[part], 0.0F);
    for (std::size_t i = part; i < count; i += kParts) add(i, part, gradients_[part]);
  });
  std::ranges::fill(mean, 0.0F);
  const float share = 1 / static_cast<float>(count);
  for (const std::vector<float>& gradient : gradients_) mesh::add_rows({&share, 1}, gradient, mean);
}

}  // namespace retinaface::training
