#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "runtime/trainable_network.h"
#include "training/optimizer.h"
#include "training/run_log.h"

namespace retinaface::training {

/// All that a run needs to go on as if it had never stopped. The data's order and all augmentation
/// follow from the seed and the step (dataset/loader.h), so there is no generator to keep.
struct Checkpoint {
  std::int64_t step = 0;  ///< how many are done
  std::uint64_t seed = 0;
  /// What must be the same for the run to go on, lines of text: recipe, images.
  std::string run;
  std::optional<double> best;  ///< best validation so far
  RunLog::Lengths logged;      ///< lengths of the files of metrics at that step
  std::vector<float> values;   ///< as TrainableNetwork::values()
  Optimizer::State optimizer;
  std::vector<float> average;  ///< empty without a moving average
};

/// Writes it as one .safetensors file, as a whole or not at all. Throws Error(kUnwritable).
void write_checkpoint(const std::filesystem::path& path, const Checkpoint& checkpoint,
                      std::span<const runtime::ParameterSlot> parameters);

/// Reads what write_checkpoint wrote. Throws Error as read_safetensors does, and kBadData where it
/// is no checkpoint of a network with these parameters.
Checkpoint read_checkpoint(const std::filesystem::path& path,
                           std::span<const runtime::ParameterSlot> parameters);

/// Throws Error(kBadData), `source` first, where the checkpoint is not of a run with this seed and
/// this description, or has no squares of gradients where the optimizer has some, or the other way
/// round. Of two descriptions the first lines that differ are named.
void expect_run(const Checkpoint& checkpoint, std::uint64_t seed, const std::string& run,
                const Optimizer& optimizer, const std::string& source);

}  // namespace retinaface::training
