#pragma once

#include "retinaface/export.h"

#define RETINAFACE_VERSION_MAJOR 0
#define RETINAFACE_VERSION_MINOR 1
#define RETINAFACE_VERSION_PATCH 0

namespace retinaface {

/// The version of the library that is linked, "MAJOR.MINOR.PATCH".
RETINAFACE_API const char* version();

}  // namespace retinaface
