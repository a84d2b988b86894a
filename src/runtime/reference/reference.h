#pragma once

#include <memory>

#include "graph/graph.h"
#include "graph/weights.h"
#include "runtime/backend.h"
#include "runtime/runtime.h"

namespace retinaface::runtime {

/// The entry "reference" of the registry: make_reference_network.
Backend reference_backend();

/// Plain loops in double precision, node by node as the graph says, nothing fused or folded: the
/// oracle that fast runtimes are tested against. Slow.
std::unique_ptr<Network> make_reference_network(const graph::Graph& graph,
                                                const graph::Weights& weights);

}  // namespace retinaface::runtime
