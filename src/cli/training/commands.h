#pragma once

#include "cli/command.h"

namespace retinaface::cli {

// Of the second program, retinaface-train, which `retinaface train` and `retinaface models
// --training` start.
Action declare_training(CLI::App& app);
Action declare_training_backends(CLI::App& app);

}  // namespace retinaface::cli
