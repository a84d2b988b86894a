#pragma once

#include <CLI/App.hpp>
#include <string>
#include <utility>

#include <fmt/format.h>

#include "cli/tell.h"
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

/// Prints a part of a command's table: not among figures that a program is to read.
template <typename... Args>
void print_table(const std::string& file, fmt::format_string<Args...> format, Args&&... args) {
  if (file == pipeline::kStandardStream) {
    tell(format, std::forward<Args>(args)...);
  } else {
    fmt::print(format, std::forward<Args>(args)...);
  }
}

}  // namespace retinaface::cli
