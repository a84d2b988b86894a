#pragma once

#include <cstddef>
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "retinaface/image.h"

#include "graph/calibration.h"
#include "models/load_model.h"

namespace retinaface::evaluation {

/// Of fewer images a calibration is made, and judged by them themselves: better than it is.
inline constexpr std::size_t kFewImages = 16;

/// How the range of numbers that a channel's bytes cover is chosen.
enum class RangeMethod {
  kMinMax,      ///< all that occurred
  kPercentile,  ///< all but the outermost 0.01 % at either end
  kMinError,    ///< of several ranges the one with the least squared error of what occurred
};

struct CalibrationOptions {
  RangeMethod method = RangeMethod::kMinError;
  /// Of CalibrationResult::error. Layers stay in float32, those first that save most, until it is
  /// no more than this.
  double max_error = graph::kMaxCalibrationError;
};

/// What a layer in float32 would save.
struct LayerGain {
  std::string layer;
  double share = 0;  ///< of the squared error of the outputs
};

struct CalibrationResult {
  graph::Calibration calibration;
  /// Of all layers on bytes, largest first; empty where no layer has to stay in float32.
  std::vector<LayerGain> gains;
  /// Of the outputs on bytes, the squared difference from float32 over float32's variance, mean of
  /// all outputs: with every layer on bytes, and with those of `calibration` in float32.
  double error_of_all = 0;
  double error = 0;
};

/// Codes the maps of a model's network by what occurs on `images`, which are worked on at their own
/// size, judges it by every few of them, which are left out of what it is made of where there are
/// kFewImages or more, finds the layers that are better left in float32, and puts this calibration
/// beside the model's weights. By the backend that has bytes. `progress` is told what is done, of
/// how much. Throws Error(kUnsupported) where the processor has no bytes.
CalibrationResult calibrate(models::LoadedModel& model, const std::vector<Image>& images,
                            const CalibrationOptions& options,
                            const std::function<void(std::size_t, std::size_t)>& progress);

}  // namespace retinaface::evaluation
