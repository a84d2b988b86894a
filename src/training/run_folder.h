#pragma once

#include <filesystem>
#include <span>

namespace retinaface::training {

// A run's folder keeps what an earlier run left: nothing of it is replaced unless the new one goes
// on with it.

/// What a run writes there; those of the mesh branch and its decoder have no recipe, no best
/// weights, no events and no report. TensorBoard knows its own by "tfevents".
inline constexpr const char* kRecipeFile = "recipe.toml";
inline constexpr const char* kCheckpointFile = "checkpoint.safetensors";
inline constexpr const char* kBestFile = "best.safetensors";
inline constexpr const char* kLastFile = "last.safetensors";
inline constexpr const char* kMetricsFile = "metrics.jsonl";
inline constexpr const char* kEventsFile = "events.out.tfevents.0.retinaface";
inline constexpr const char* kReportFolder = "report";

/// Whether there is a checkpoint to go on from. Throws Error(kInvalidArgument), the folder first,
/// where there is one and the run is not to go on from it.
bool holds_own_run(const std::filesystem::path& folder, bool resume);

/// What a run of the mesh branch or its decoder asks before it begins: both of these.
void check_folder_of_mesh_run(const std::filesystem::path& folder, bool resume);

/// Throws Error(kInvalidArgument), the file first, where the folder has one of these.
void refuse_foreign_files(const std::filesystem::path& folder, std::span<const char* const> names);

}  // namespace retinaface::training
