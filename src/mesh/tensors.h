#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "graph/weights.h"

namespace retinaface::mesh {

/// The values of a tensor of a given shape as float32. Throws Error(kBadData), `source` first,
/// where it is missing or has another shape.
std::vector<float> read_tensor(const graph::Weights& weights, const std::string& name,
                               const std::vector<std::int64_t>& shape, const std::string& source);

}  // namespace retinaface::mesh
