#pragma once

#include "graph/graph.h"
#include "models/detector_spec.h"

namespace retinaface::models {

/// Appends an output a level, "context.0" and on: the map that the detector's heads are computed
/// of, which the mesh branch reads. They are observed: detections are the same with them.
void add_context_outputs(graph::Graph& graph, const DetectorSpec& detector);

}  // namespace retinaface::models
