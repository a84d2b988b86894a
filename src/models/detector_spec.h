#pragma once

#include <cstddef>
#include <vector>

#include "graph/graph.h"
#include "models/heads.h"
#include "models/search_policy.h"

namespace retinaface::models {

/// Square anchors on one grid, centred on its cells: the centre of cell (i, j) of the image is
/// ((i + 0.5) stride, (j + 0.5) stride).
struct AnchorLevel {
  int stride_px = 0;
  std::vector<float> sizes_px;
};

/// The anchors of a model and how its offsets are coded against them (detection/anchors.h).
struct AnchorFamily {
  std::vector<AnchorLevel> levels;
  float center_variance = 0.1F;
  float size_variance = 0.2F;
};

/// What makes a network a detector. The outputs of its graph are, for each head and each level l of
/// the anchors, maps "HEAD.l" of A anchors a cell, (N, A * values, H_l, W_l) with H_l = ceil(H /
/// stride), the values of an anchor in adjacent channels.
struct DetectorSpec {
  AnchorFamily anchors;
  std::vector<Head> heads = face_heads();
  /// How faces of all sizes are looked for; measured for the model or derived from its anchors.
  SearchPolicy search = {};
};

/// Where the outputs of a detector's heads are among its graph's: by level, then by head.
std::vector<std::vector<std::size_t>> head_outputs(const graph::Graph& graph,
                                                   const DetectorSpec& detector);

}  // namespace retinaface::models
