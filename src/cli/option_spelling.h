#pragma once

#include "pipeline/option_spelling.h"

namespace retinaface::cli {

/// How the command line writes options.
inline constexpr pipeline::OptionSpelling kOptionSpelling = {.prefix = "--"};

}  // namespace retinaface::cli
