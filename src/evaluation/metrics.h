#pragma once

#include <string>
#include <utility>
#include <vector>

namespace retinaface::evaluation {

/// What a validation found, by name. The first figure decides which weights are the best: more is
/// better.
using Metrics = std::vector<std::pair<std::string, double>>;

}  // namespace retinaface::evaluation
