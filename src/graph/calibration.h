#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "graph/weights.h"

namespace retinaface::graph {

/// Tensors whose names start so are no parameters of a network: they are its Calibration, and stand
/// beside its weights.
inline constexpr std::string_view kCalibrationPrefix = "calibration.";

/// How a channel's bytes stand for numbers: number = scale * (byte - zero), scale > 0.
struct ByteCode {
  std::vector<float> scale;        ///< by channel
  std::vector<std::uint8_t> zero;  ///< the same
};

/// The code of a map whose channels are those of two, one after the other.
ByteCode joined(const ByteCode& first, const ByteCode& second);

/// What is to be known of a network to run it on bytes (doc/low_precision.md): how each map's
/// channels are coded, and which layers are not to be.
struct Calibration {
  /// By the layer that yields the map (runtime::ByteLayers); the image's is called kImageCode.
  std::map<std::string, ByteCode, std::less<>> codes;
  std::set<std::string, std::less<>> float_layers;  ///< those that stay in float32
  /// Of the outputs on bytes, the squared difference from float32 over float32's variance, mean of
  /// all outputs, on images that it was not made of; unknown of files of before it was kept.
  std::optional<double> error = {};
};

/// Up to this error average precision stays within half a point (reports/accuracy.md): the bound
/// for layers that stay in float32, and for what "auto" chooses by itself.
inline constexpr double kMaxCalibrationError = 0.02;

inline constexpr std::string_view kImageCode = "image";

/// Whether a model's weights have one beside them.
bool has_calibration(const Weights& weights);

/// Whether that has layers on bytes, and its error is known and at most kMaxCalibrationError.
/// Throws as read_calibration.
bool is_within_bounds(const Weights& weights);

/// Throws Error(kBadData) for tensors that are no calibration.
Calibration read_calibration(const Weights& weights);

/// Puts it beside the weights, in the place of one that is there.
void write_calibration(const Calibration& calibration, Weights& weights);

}  // namespace retinaface::graph
