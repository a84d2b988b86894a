#pragma once

#include "retinaface/detector.h"

namespace retinaface::detection {

/// Throws Error(kInvalidArgument) for an option outside its range.
void check_options(const DetectOptions& options);

}  // namespace retinaface::detection
