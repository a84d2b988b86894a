#include "training/run_folder.h"

#include <system_error>

#include "base/check.h"
#include "base/file.h"

namespace retinaface::training {

bool holds_own_run(const std::filesystem::path& folder, bool resume) {
  if (!path_exists(folder / kCheckpointFile)) return false;
  if (!resume) {
    fail(ErrorCode::kInvalidArgument, "{}: holds a run already; resume it or choose another folder",
         printable(folder));
  }
  return true;
}

void refuse_foreign_files(const std::filesystem::path& folder, std::span<const char* const> names) {
  for (const char* const name : names) {
    std::error_code ignored;
    const std::filesystem::path file = folder / name;
    if (!std::filesystem::exists(std::filesystem::symlink_status(file, ignored))) continue;
    fail(ErrorCode::kInvalidArgument,
         "{}: is there already and none of this run's; choose another folder for the run",
         printable(file));
  }
}

void check_folder_of_mesh_run(const std::filesystem::path& folder, bool resume) {
  if (holds_own_run(folder, resume) || resume) return;
  constexpr const char* kNames[] = {kLastFile, kMetricsFile};
  refuse_foreign_files(folder, kNames);
}

}  // namespace retinaface::training
