#pragma once

#include <optional>
#include <vector>

#include "runtime/lowering.h"

namespace retinaface::runtime::cpu {

// What a lowered graph's convolution is, as the kernels of our own are chosen by it; of floats and
// of bytes alike.

/// The image, which is planar: kernels that read blocks of channels cannot take it.
inline constexpr ValueId kImage = 0;

/// 3x3 of each channel by itself, of stride 1 or 2.
bool is_depthwise(const ConvolutionStep& conv);

/// What is added to the sum of products before anything else; kNoValue for nothing.
ValueId addend_of(const ConvolutionStep& conv);

/// The slopes, by channel, of what follows the sum of products and its addend, if that is nothing
/// (slope 1) or one activation.
std::optional<std::vector<float>> slopes_of(const ConvolutionStep& conv);

/// Whether they are what kernels take that compute max(x, slope x).
bool is_convex(const ConvolutionStep& conv);

/// The one slope, in [0, 1], of what follows a sum of products without an addend, if that is
/// nothing (1) or one activation.
std::optional<float> slope_of(const ConvolutionStep& conv);

}  // namespace retinaface::runtime::cpu
