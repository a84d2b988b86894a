#pragma once

#include <CLI/App.hpp>

namespace retinaface::cli {

/// Adds --overwrite, for all commands that write files.
inline void add_overwrite_option(CLI::App& app, bool& overwrite) {
  app.add_flag("--overwrite", overwrite,
               "replace files that exist and that this program did not write (inputs are never "
               "replaced)");
}

}  // namespace retinaface::cli
