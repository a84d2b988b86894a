#pragma once

#include <CLI/App.hpp>
#include <string>

namespace retinaface::cli {

/// Adds --type: the numbers that the network computes in, one of runtime::type_names().
void add_type_option(CLI::App& app, std::string& type);

}  // namespace retinaface::cli
