#pragma once

#include <ATen/core/Tensor.h>

#include "graph/graph.h"

namespace retinaface::runtime {

/// Whether a convolution of float32 maps goes faster by our own Winograd kernels
/// (runtime/kernels): 3x3, stride 1, whole blocks of channels.
bool takes_winograd(const graph::Convolution& op, const at::Tensor& map);

/// The convolution of `map` (float32, channels last) with `weight` (out, in, 3, 3), padding 1.
/// `bias` may be undefined. The result does not depend on the number of threads.
at::Tensor winograd_forward(const at::Tensor& map, const at::Tensor& weight,
                            const at::Tensor& bias);

/// The loss's gradient by the map, from that by the result.
at::Tensor winograd_map_gradient(const at::Tensor& gradient, const at::Tensor& weight);

/// By the weight: (out, in, 3, 3), as the parameter lies.
at::Tensor winograd_weight_gradient(const at::Tensor& map, const at::Tensor& gradient);

}  // namespace retinaface::runtime
