#pragma once

#include "cli/command.h"

namespace retinaface::cli {

// The commands `retinaface dataset ...`, one per file.
Action declare_dataset_check(CLI::App& app);
Action declare_dataset_convert(CLI::App& app);

}  // namespace retinaface::cli
