#pragma once

#include <string_view>

namespace retinaface::graph {

/// Tensors whose names start so are no parameters of a network: they are what running it on bytes
/// needs (runtime/cpu/calibration.h), and stand beside its weights.
inline constexpr std::string_view kCalibrationPrefix = "calibration.";

}  // namespace retinaface::graph
