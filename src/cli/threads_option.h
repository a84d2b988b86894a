#pragma once

#include <CLI/App.hpp>
#include <string>

#include "cli/values.h"

namespace retinaface::cli {

/// Adds --threads, whose 0, the default, is thread_count()'s. `what` says what the threads do.
inline void add_threads_option(CLI::App& app, int& threads, const std::string& what) {
  app.add_option("--threads", threads,
                 what + " (0, the default: as many as the process has cores to run on)")
      ->check(whole_number(0, 1024));
}

}  // namespace retinaface::cli
