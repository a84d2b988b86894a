#pragma once

#include "retinaface/detector.h"

#include "models/load_model.h"

namespace retinaface {

/// Makes detectors of models that are in memory, which need not be rows of the catalogue.
struct DetectorFactory {
  /// `model.model` must outlive the detector and its copies.
  static Detector make(const models::LoadedModel& model);
};

}  // namespace retinaface
