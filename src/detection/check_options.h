#pragma once

#include "retinaface/detector.h"

namespace retinaface::detection {

/// What messages call the options that a front door may have under other names.
struct OptionNames {
  const char* tile_px = "tile_px";
  const char* min_size_px = "min_size_px";
};

/// Throws Error(kInvalidArgument) for an option outside its range.
void check_options(const DetectOptions& options, const OptionNames& names = {});

}  // namespace retinaface::detection
