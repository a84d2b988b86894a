#pragma once

#include <cstdint>
#include <span>

#include "graph/graph.h"
#include "graph/operators.h"

namespace retinaface::graph {

/// How many values of these parameters are learned: all but the statistics of normalisation.
std::int64_t learned_values(std::span<const ParameterSpec> parameters);

struct Cost {
  std::int64_t parameters = 0;  ///< learned values
  std::int64_t multiply_adds = 0;
};

/// Of the whole network, for an input of this shape.
Cost cost(const Graph& graph, const Shape& input);

}  // namespace retinaface::graph
