#pragma once

#include <ATen/core/Tensor.h>

#include "graph/graph.h"

namespace retinaface::runtime {

/// Gradients of a deformable convolution; undefined where they were not asked for. The weight's
/// lies as the parameter does, in float32.
struct DeformableGradients {
  at::Tensor map;
  at::Tensor offsets;
  at::Tensor weight;
  at::Tensor bias;
};

struct DeformableGradientsWanted {
  bool map = true;
  bool offsets = true;
  bool parameters = true;
};

/// y = the convolution of `map` with `weight` where `offsets` put its points
/// (graph::DeformableConvolution), all channels last and of one precision; `bias` may be undefined.
/// Works on columns of some thousand places at a time (deformable_sampling.h), which are sampled
/// again for the backward pass; their product with the weights is a 1x1 convolution of libtorch's.
/// The result does not depend on the number of threads.
at::Tensor deformable_forward(const graph::DeformableConvolution& op, const at::Tensor& map,
                              const at::Tensor& offsets, const at::Tensor& weight,
                              const at::Tensor& bias);

DeformableGradients deformable_backward(const graph::DeformableConvolution& op,
                                        const at::Tensor& map, const at::Tensor& offsets,
                                        const at::Tensor& weight, const at::Tensor& gradient,
                                        const DeformableGradientsWanted& wanted);

}  // namespace retinaface::runtime
