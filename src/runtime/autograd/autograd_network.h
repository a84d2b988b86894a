#pragma once

#include "runtime/backend.h"

namespace retinaface::runtime {

/// Training by libtorch's autograd, on any device that the linked libtorch has: one operator of
/// libtorch for each of the graph's (a deformable convolution is composed of some), and no
/// derivative of our own, so that it judges those of the fused engine. It has no `recompute`, and
/// one process alone shares a batch. On a GPU a step's sums may come in any order: two runs differ
/// in their last bits.
Backend autograd_backend();

}  // namespace retinaface::runtime
