#pragma once

#include <cstdint>
#include <vector>

#include "models/heads.h"
#include "models/layers.h"

namespace retinaface::models {

/// How the detector behind a backbone is built.
struct DetectorOptions {
  std::int64_t channels = 0;  ///< of the pyramid
  /// Of the context modules, a multiple of four; 0: as many as the pyramid's.
  std::int64_t context_channels = 0;
  std::int64_t anchors_per_cell = 0;
  /// Of the activations in them; slope 0 is ReLU.
  float slope = 0;
  /// One level more, coarser than the backbone's last: a 3x3 convolution of stride 2 on that.
  bool extra_level = false;
  /// Deformable convolutions for each 3x3 that merges levels or sees context.
  bool deformable = false;
  /// One set of heads for all levels instead of one for each.
  bool shared_heads = false;
  /// What the network says of each anchor.
  std::vector<Head> heads = face_heads();
};

/// What the paper puts on a backbone, `maps`: a feature pyramid (Lin et al. 2017), on each level a
/// context module, and on that the heads, which become the graph's outputs (models::DetectorSpec).
void add_detector(graph::Graph& graph, Pyramid maps, const DetectorOptions& options);

}  // namespace retinaface::models
