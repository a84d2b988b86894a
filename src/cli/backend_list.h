#pragma once

#include "runtime/backend.h"

namespace retinaface::cli {

/// Prints a line of a list of backends: name, priority, devices, types and what it is.
void print_backend(const runtime::Backend& backend);

}  // namespace retinaface::cli
