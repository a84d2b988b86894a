#pragma once

#include "cli/command.h"

namespace retinaface::cli {

// Of the second program, retinaface-train, which `retinaface train` starts.
Action declare_training(CLI::App& app);

}  // namespace retinaface::cli
