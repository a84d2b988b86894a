#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "graph/graph.h"
#include "graph/tensor.h"
#include "graph/weights.h"

namespace retinaface::runtime {

/// What options of types take: "float32", "bfloat16", "int8", "auto".
std::vector<std::string> type_names();

/// The type called `name`, float32 if that is empty; "auto" is the fastest that the weights and the
/// processor have with `backend` (as BackendRegistry::make takes it) and whose accuracy is within
/// the bounds of doc/low_precision.md. Throws Error(kInvalidArgument) for another name.
graph::DataType type_of(std::string_view name, const graph::Graph& graph,
                        const graph::Weights& weights, const std::string& backend);

}  // namespace retinaface::runtime
