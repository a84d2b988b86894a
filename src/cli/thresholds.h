#pragma once

#include <CLI/App.hpp>

#include "retinaface/detector.h"

namespace retinaface::cli {

/// Adds --min-score and --nms, whose defaults are what `options` holds.
inline void add_threshold_options(CLI::App& app, DetectOptions& options) {
  app.add_option("--min-score", options.min_score, "leave out faces below this score")
      ->check(CLI::Range(0.0, 1.0))
      ->capture_default_str();
  app.add_option("--nms", options.nms_iou,
                 "of boxes that overlap by more than this IoU keep the best")
      ->check(CLI::Range(0.0, 1.0))
      ->capture_default_str();
}

}  // namespace retinaface::cli
