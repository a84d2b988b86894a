#pragma once

#include <CLI/App.hpp>
#include <string>

#include "pipeline/job_options.h"

namespace retinaface::cli {

/// Adds the option of pipeline::job_options() that has this name, kept in `job`, whose value is the
/// default. Both must outlive the parser.
void add_job_option(CLI::App& app, const std::string& name, pipeline::DetectionJob& job);

/// The same kept in `value`, for a command without a job.
void add_job_option(CLI::App& app, const std::string& name, pipeline::JobOption::Field value);

}  // namespace retinaface::cli
