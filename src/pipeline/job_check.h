#pragma once

#include <span>
#include <string>
#include <string_view>

#include "pipeline/detection_job.h"

namespace retinaface::pipeline {

/// How a front door writes the options that messages name: "--draw-style shaded" of
/// {"--", " "}, "draw-style=shaded" of {"", "="}.
struct OptionSpelling {
  std::string_view prefix = {};
  std::string_view before_value = " ";
  /// The options that it has; where a message lists several to choose from, it names these.
  /// Empty: all.
  std::span<const std::string_view> taken = {};

  std::string operator()(std::string_view option, std::string_view value = {}) const;
};

/// What contradicts itself in what a job asks of the faces, on one line that names the options;
/// empty if nothing does.
std::string faces_fault(const DetectionJob& job, const OptionSpelling& name = {});

/// The same of the whole job, as far as it is filled in: of inputs where there are any.
std::string job_fault(const DetectionJob& job, const OptionSpelling& name = {});

}  // namespace retinaface::pipeline
