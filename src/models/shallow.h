#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "models/layers.h"

namespace retinaface::models {

/// The layers at one stride, all of `channels`: the first comes from the stride before at stride 2,
/// as a depthwise 3x3 and a 1x1 convolution; then `dense` plain 3x3 convolutions, then `separable`
/// pairs of depthwise 3x3 and 1x1.
struct ShallowStage {
  std::int64_t channels = 0;
  int dense = 0;
  int separable = 0;
  /// A separable pair in front of the reduction that widens what this reads; 0 for none. The
  /// reduction mixes no channels before it drops three of four cells, so this is how many values a
  /// cell of this stride can learn of those it replaces.
  std::int64_t widened = 0;
};

/// Strides 4, 8, 16 and 32.
using ShallowStages = std::array<ShallowStage, 4>;

/// Behind MobileNet's first three layers, at stride 2, a backbone that works mostly at strides 4
/// and 8 and is narrow from there on, as small faces want it (the computation redistribution of
/// SCRFD, Guo et al. 2021): MobileNet widens with every stride, as classifiers want it. Channels
/// are multiples of 16, the blocks of the CPU's kernels, and what is plain has stride 1. Yields the
/// maps at strides 8, 16 and 32. Node names start with `prefix`.
Pyramid shallow_backbone(graph::Graph& graph, const std::string& prefix, graph::NodeId image,
                         const ShallowStages& stages);

}  // namespace retinaface::models
