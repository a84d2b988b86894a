#pragma once

#include "runtime/backend.h"

namespace retinaface::runtime {

/// The backends of this process. A program that links one more, such as a reader on libtorch,
/// makes it known at its start by add().
BackendRegistry& backends();

}  // namespace retinaface::runtime
