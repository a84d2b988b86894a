#pragma once

#include <cstdint>
#include <filesystem>

#include "training/growing_file.h"
#include "training/progress.h"
#include "training/run_folder.h"

namespace retinaface::training {

/// What a run says of itself, as it goes, in two forms: JSON lines, and an event file for
/// TensorBoard.
class RunLog {
 public:
  /// How long the two files are.
  struct Lengths {
    std::uint64_t metrics = 0;
    std::uint64_t events = 0;
  };

  /// Goes on behind the first `keep` bytes of what is there. Throws Error(kUnwritable), as all
  /// here.
  RunLog(const std::filesystem::path& folder, const Lengths& keep);

  /// {"step", "epoch", "loss", for each head "loss_HEAD",
  /// with a teacher "loss_teacher", "learning_rate",
  /// "images_per_second", "waiting_share"}
  void add_step(const TrainingProgress& progress);
  /// {"validated_step"} and the figures by their names.
  void add_validation(std::int64_t step, const Metrics& figures);

  Lengths lengths() const { return {metrics_.bytes(), events_.bytes()}; }

 private:
  GrowingFile metrics_;
  GrowingFile events_;
};

}  // namespace retinaface::training
