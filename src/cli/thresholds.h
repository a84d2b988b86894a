#pragma once

#include <CLI/App.hpp>

#include "retinaface/detector.h"

#include "cli/values.h"

namespace retinaface::cli {

/// Adds --min-score and --nms, whose defaults are what `options` holds.
inline void add_threshold_options(CLI::App& app, DetectOptions& options) {
  app.add_option("--min-score", options.min_score, "leave out faces below this score")
      ->check(number(0, 1))
      ->capture_default_str();
  app.add_option("--nms", options.nms_iou,
                 "of boxes that overlap by more than this IoU keep the best")
      ->check(number(0, 1))
      ->capture_default_str();
}

}  // namespace retinaface::cli
