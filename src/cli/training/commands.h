#pragma once

#include "cli/command.h"

namespace retinaface::cli {

// Commands of the second program, retinaface-train, which the first one starts for them.
Action declare_train(CLI::App& app);

}  // namespace retinaface::cli
