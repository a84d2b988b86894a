#pragma once

#include <map>
#include <set>
#include <string>
#include <string_view>

#include "graph/weights.h"
#include "runtime/kernels/bytes.h"

namespace retinaface::runtime {

/// What is to be known of a network to run it on bytes (doc/low_precision.md): how each map's
/// channels are coded, and which layers are not to be.
struct Calibration {
  /// By the step that yields the map (observed_values); the image's is called kImageCode.
  std::map<std::string, kernels::ByteCode, std::less<>> codes;
  std::set<std::string, std::less<>> float_layers;  ///< steps that stay in float32
};

inline constexpr std::string_view kImageCode = "image";

/// Whether a model's weights have one beside them.
bool has_calibration(const graph::Weights& weights);

/// Throws Error(kBadData) for tensors that are no calibration.
Calibration read_calibration(const graph::Weights& weights);

/// Puts it beside the weights, in the place of one that is there.
void write_calibration(const Calibration& calibration, graph::Weights& weights);

}  // namespace retinaface::runtime
