#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "graph/graph.h"
#include "runtime/torch/training_plan.h"

namespace retinaface::runtime {

/// Steps [begin, end) of a plan.
struct StepSegment {
  std::size_t begin = 0;
  std::size_t end = 0;
  /// Its maps are not kept: before its gradients are taken, its steps run again.
  bool repeated = false;
};

/// How long each map of a training step lives. The forward pass ends with the maps that are not
/// dropped; then the segments are gone through from the last to the first, each repeated if it must
/// be and then run backwards.
struct MapRetention {
  std::vector<StepSegment> segments;
  /// By step: the maps that nothing needs any more once it has been passed, the first time ...
  std::vector<std::vector<graph::NodeId>> dropped_forward;
  /// ... and when its segment is repeated.
  std::vector<std::vector<graph::NodeId>> dropped_repeated;
  /// By step: whether it runs again with its segment.
  std::vector<bool> runs_again;
};

/// Maps that no derivative is computed from are dropped as soon as the last step has read them.
/// With `recompute`, only those at the seams between segments are kept, and the seams are laid so
/// that they and the largest segment take the smallest memory together (Chen et al. 2016).
MapRetention plan_retention(const graph::Graph& graph, std::span<const ForwardStep> steps,
                            bool recompute);

}  // namespace retinaface::runtime
