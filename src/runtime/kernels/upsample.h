#pragma once

#include "runtime/kernels/map.h"

namespace retinaface::runtime::kernels {

/// target += source resized to target's size by nearest neighbour: source = floor(target * in /
/// out). `blocks` blocks each.
void add_upsampled(const Kernels& kernels, const Map& source, const Map& target,
                   std::int64_t blocks);
/// To some rows of it; it may be a ring.
void add_upsampled(const Kernels& kernels, const Map& source, const Map& target,
                   std::int64_t blocks, const RowRange& rows);

}  // namespace retinaface::runtime::kernels
