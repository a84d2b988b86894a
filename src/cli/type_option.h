#pragma once

#include <CLI/App.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "graph/tensor.h"
#include "models/load_model.h"

namespace retinaface::cli {

/// Adds --type: the numbers that the network computes in, one of type_names().
void add_type_option(CLI::App& app, std::string& type);

/// What options of types take: "float32", "bfloat16", "int8", "auto".
std::vector<std::string> type_names();

/// The type called `name`, float32 if that is empty; "auto" is the fastest that the model and the
/// processor have with `backend` (as runtime::BackendRegistry::make takes it) and whose accuracy is
/// within the bounds of doc/performance.md.
graph::DataType type_of(std::string_view name, const models::LoadedModel& model,
                        const std::string& backend);

}  // namespace retinaface::cli
