#pragma once

#include <string>
#include <vector>

#include "retinaface/detector.h"

#include "models/load_model.h"
#include "runtime/backend.h"
#include "runtime/runtime.h"

namespace retinaface {

/// Makes detectors of models that are in memory, which need not be rows of the catalogue.
struct DetectorFactory {
  /// `model.model` must outlive the detector and its copies. Its network is run by the backend that
  /// is named, or by the best one (runtime::BackendRegistry::make, which says what is thrown).
  static Detector make(const models::LoadedModel& model, const std::string& backend = {},
                       const runtime::NetworkOptions& options = {});

  /// What the backend "compare" found in all that the detector and its copies did; empty for other
  /// backends.
  static std::vector<runtime::OutputDifference> differences(const Detector& detector);
};

}  // namespace retinaface
