#pragma once

#include "pipeline/detection_job.h"
#include "pipeline/request_record.h"

namespace retinaface::pipeline {

/// All that a job's results and written images depend on: each of job_options(), and what else a
/// job says. Models in files are known by their contents, which are read: throws Error as
/// read_file.
Request request_of(const DetectionJob& job);

}  // namespace retinaface::pipeline
