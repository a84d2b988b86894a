#pragma once

#include <cstdint>
#include <vector>

#include "graph/graph.h"

namespace retinaface::runtime {

/// One step of a forward pass: a node, or a normalisation together with what follows it.
struct ForwardStep {
  graph::NodeId node = 0;    ///< whose operator and parameters it uses
  graph::NodeId result = 0;  ///< whose map it yields: the node's, or that of the last one merged in
  float slope = 1;           ///< of the activation behind a normalisation; 1 for none
  /// The step writes channels [first_channel, ...) of a map of `result_channels`; 0 for the whole.
  std::int64_t result_channels = 0;
  std::int64_t first_channel = 0;
  bool opens_result = true;  ///< no step before it has written to the same map
};

/// The graph's steps in order. A normalisation takes the activation behind it along; where
/// normalisations alone feed a concatenation, they write their part of it at once, and the
/// activation behind it too (activating parts is the same as activating the whole).
std::vector<ForwardStep> plan_training(const graph::Graph& graph);

}  // namespace retinaface::runtime
