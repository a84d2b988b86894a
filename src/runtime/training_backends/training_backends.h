#pragma once

#include "runtime/backend.h"

namespace retinaface::runtime {

/// The registry of the library with the backends that train, which need libtorch. To be called
/// first before other threads use the registry.
const BackendRegistry& training_backends();

}  // namespace retinaface::runtime
