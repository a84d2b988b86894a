#pragma once

#include "retinaface/model_info.h"

#include "graph/graph.h"
#include "models/catalogue.h"

namespace retinaface::models {

/// What a row and its graph say; nothing of weights. Throws Error(kInvalidArgument) for a side that
/// is not from 1 to 65536.
ModelInfo info_of(const Model& model, const graph::Graph& graph, int width, int height);

}  // namespace retinaface::models
