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

  friend bool operator==(const AnchorLevel&, const AnchorLevel&) = default;
};

/// What the four values of a box are (detection/box_coding.h).
enum class BoxCoding {
  kCenterAndSize,  ///< offsets of the centre and of the sides' logarithms
  kSideDistances,  ///< from the anchor's centre to the left, top, right and bottom side
};

/// The anchors of a model and how its offsets are coded against them (detection/anchors.h).
struct AnchorFamily {
  std::vector<AnchorLevel> levels;
  float center_variance = 0.1F;
  float size_variance = 0.2F;
  BoxCoding boxes = BoxCoding::kCenterAndSize;
  /// Offsets are in strides of their level, not in sizes of their anchors.
  bool in_strides = false;
  /// Where in its cell an anchor has its centre, in strides from the cell's first corner.
  float cell_center = 0.5F;

  friend bool operator==(const AnchorFamily&, const AnchorFamily&) = default;
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

/// Whether training and what else codes faces against anchors can do so: other people's networks
/// may have codings that are only read.
bool is_encodable(const DetectorSpec& detector);

/// Where the outputs of a detector's heads are among its graph's: by level, then by head.
std::vector<std::vector<std::size_t>> head_outputs(const graph::Graph& graph,
                                                   const DetectorSpec& detector);

}  // namespace retinaface::models
