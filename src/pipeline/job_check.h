#pragma once

#include <string>

#include "pipeline/detection_job.h"

namespace retinaface::pipeline {

/// What contradicts itself in what a job asks of the faces, on one line that names the options by
/// its `spelling`; empty if nothing does.
std::string faces_fault(const DetectionJob& job);

/// The same of the whole job, as far as it is filled in: of inputs where there are any.
std::string job_fault(const DetectionJob& job);

}  // namespace retinaface::pipeline
