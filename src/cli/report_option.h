#pragma once

#include <CLI/App.hpp>
#include <cstdio>
#include <string>

#include "cli/values.h"
#include "pipeline/inputs.h"

namespace retinaface::cli {

/// Adds -o, --json and --output, for all commands that write figures (pipeline::write_report).
/// `what` says what they do.
inline void add_report_option(CLI::App& app, std::string& file, const std::string& what) {
  app.add_option("-o,--json,--output", file,
                 what + " (.json); - is standard output, the table then going to standard error")
      ->check(name_ending_in({".json"}));
}

/// Where a command prints its table: not among figures that a program is to read.
inline std::FILE* table_stream(const std::string& file) {
  return file == pipeline::kStandardStream ? stderr : stdout;
}

}  // namespace retinaface::cli
