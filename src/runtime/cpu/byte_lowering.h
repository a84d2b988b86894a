#pragma once

#include <vector>

#include "graph/calibration.h"
#include "runtime/kernels/bytes.h"
#include "runtime/lowering.h"

namespace retinaface::runtime::cpu {

/// How each value of a lowered graph is coded, by ValueId; empty for those that nothing is known
/// of.
using ByteCodes = std::vector<graph::ByteCode>;

/// Puts every step on bytes that there are kernels for, that the calibration knows the maps of and
/// does not keep in float32. Conversions stand where bytes and floats meet; the outputs are floats.
/// A depthwise convolution goes with the 1x1 behind it or not at all.
/// Throws Error(kBadData) for codes of another network.
ByteCodes lower_to_bytes(LoweredGraph& lowered, const graph::Calibration& calibration);

}  // namespace retinaface::runtime::cpu
