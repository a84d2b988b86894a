#pragma once

#include <vector>

#include "runtime/cpu/map_placement.h"
#include "runtime/cpu/plan.h"
#include "runtime/cpu/weight_store.h"
#include "runtime/lowering.h"

namespace retinaface::runtime::cpu {

/// Appends what oneDNN does for a step to `calls`: a primitive, and further ones for what that
/// cannot take in. Throws dnnl::error when oneDNN has no way to run the step at this size.
void add_library_calls(const Step& step, MapPlacement& maps, WeightStore& weights,
                       std::vector<Call>& calls);

}  // namespace retinaface::runtime::cpu
