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
  std::string run;             ///< what must be the same for the run to go on: recipe and images
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

}  // namespace retinaface::training
