#pragma once

#include "graph/graph.h"

namespace retinaface::models {

/// RetinaFace on MobileNet-0.25 as the public PyTorch family has it: strides 8, 16 and 32, pyramid
/// and context modules of 64 channels, two anchors a cell, heads of their own for each level.
graph::Graph mnet025();

}  // namespace retinaface::models
