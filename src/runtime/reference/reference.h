#pragma once

#include <memory>

#include "graph/graph.h"
#include "graph/weights.h"
#include "runtime/runtime.h"

namespace retinaface::runtime {

/// Plain loops in double precision, node by node as the graph says, nothing fused or folded: the
/// oracle that fast runtimes are tested against. Slow.
std::shared_ptr<const Network> make_reference_network(const graph::Graph& graph,
                                                      const graph::Weights& weights);

}  // namespace retinaface::runtime
