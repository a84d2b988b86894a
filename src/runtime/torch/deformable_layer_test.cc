#include "runtime/torch/deformable_layer.h"

#include <cmath>

#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <gtest/gtest.h>

#include "base/random.h"
#include "runtime/reference/operators.h"

namespace retinaface::runtime {
namespace {

/// One deformable convolution with all that it needs, and a loss: the sum of its results by some
/// weights. Channels that fill no vector, a height that is not the width.
struct Case {
  graph::DeformableConvolution op;
  std::int64_t channels = 19;
  std::int64_t height = 5;
  std::int64_t width = 6;
  reference::Map map;
  reference::Map offsets;
  reference::Map loss_weights;
  graph::Weights weights;

  /// Offsets of up to `reach` cells.
  Case(const graph::DeformableConvolution& operation, double reach)
      : op(operation),
        map({1, channels, height, width}),
        offsets({1, op.offset_channels(), (height + 2 * op.padding - op.kernel) / op.stride + 1,
                 (width + 2 * op.padding - op.kernel) / op.stride + 1}),
        loss_weights({1, op.out_channels, offsets.shape.h, offsets.shape.w}) {
    Random random(6);
    const auto fill = [&](auto&& values, double maximum) {
      for (auto& value : values) {
        value = static_cast<std::remove_reference_t<decltype(value)>>(
            static_cast<float>(random.uniform(-maximum, maximum)));
      }
    };
    fill(map.values, 1);
    fill(offsets.values, reach);
    fill(loss_weights.values, 1);
    graph::Tensor weight =
        graph::Tensor::of_shape({op.out_channels, channels, op.kernel, op.kernel});
    fill(weight.values(), 0.2);
    weights.tensors.emplace("n.weight", std::move(weight));
    if (op.bias) {
      graph::Tensor bias = graph::Tensor::of_shape({op.out_channels});
      fill(bias.values(), 1);
      weights.tensors.emplace("n.bias", std::move(bias));
    }
  }

  reference::Map expected() const {
    const graph::Node node = {"n", op, {0, 1}};
    const reference::Map* const inputs[] = {&map, &offsets};
    return reference::evaluate(node, weights, inputs, loss_weights.shape);
  }

  double loss() const {
    double sum = 0;
    const reference::Map result = expected();
    for (std::size_t i = 0; i < result.values.size(); ++i) {
      sum += result.values[i] * loss_weights.values[i];
    }
    return sum;
  }
};

/// As the layer takes maps: twice the same image, so that images have to be told apart.
at::Tensor tensor_of(const reference::Map& map, at::ScalarType type = at::kFloat) {
  const at::Tensor one = at::from_blob(const_cast<double*>(map.values.data()),
                                       {1, map.shape.c, map.shape.h, map.shape.w}, at::kDouble)
                             .to(at::kFloat);
  return at::cat({one * 0.5, one}).to(type).contiguous(at::MemoryFormat::ChannelsLast);
}

at::Tensor tensor_of(const Case& c, const char* name, at::ScalarType type = at::kFloat) {
  const graph::Tensor& tensor = c.weights.at(name);
  return at::from_blob(const_cast<float*>(tensor.values().data()), tensor.shape, at::kFloat)
      .to(type);
}

/// The offsets of both images are the case's.
at::Tensor offsets_of(const Case& c, at::ScalarType type = at::kFloat) {
  const at::Tensor both = tensor_of(c.offsets, type);
  both[0].copy_(both[1]);
  return both;
}

at::Tensor forward(const Case& c, at::ScalarType type = at::kFloat) {
  return deformable_forward(c.op, tensor_of(c.map, type), offsets_of(c, type),
                            tensor_of(c, "n.weight", type),
                            c.op.bias ? tensor_of(c, "n.bias", type) : at::Tensor());
}

DeformableGradients backward(const Case& c, at::ScalarType type = at::kFloat) {
  const at::Tensor gradient = tensor_of(c.loss_weights, type);
  gradient[0].zero_();
  return deformable_backward(c.op, tensor_of(c.map, type), offsets_of(c, type),
                             tensor_of(c, "n.weight", type), gradient, {});
}

std::vector<Case> cases() {
  std::vector<Case> all;
  all.push_back(Case({.out_channels = 4, .bias = true}, 1.7));
  all.push_back(Case({.out_channels = 3, .stride = 2}, 1.7));
  // Mostly outside, and far away.
  all.push_back(Case({.out_channels = 2, .kernel = 1, .padding = 0, .bias = true}, 8));
  all.push_back(Case({.out_channels = 2}, 1e12));
  return all;
}

TEST(DeformableLayer, EqualsTheReference) {
  for (const Case& c : cases()) {
    const at::Tensor result = forward(c);
    const reference::Map expected = c.expected();
    EXPECT_TRUE(result.is_contiguous(at::MemoryFormat::ChannelsLast));
    const at::Tensor second = result[1].contiguous();
    ASSERT_EQ(second.numel(), static_cast<std::int64_t>(expected.values.size()));
    for (std::size_t i = 0; i < expected.values.size(); ++i) {
      EXPECT_NEAR(static_cast<double>(second.data_ptr<float>()[i]), expected.values[i], 1e-5);
    }
  }
}

TEST(DeformableLayer, WithoutOffsetsIsThePlainConvolution) {
  for (const std::int64_t stride : {1, 2}) {
    const Case c({.out_channels = 4, .stride = stride, .bias = true}, 0);
    const at::Tensor expected =
        at::convolution(tensor_of(c.map), tensor_of(c, "n.weight"), tensor_of(c, "n.bias"),
                        {c.op.stride, c.op.stride}, {1, 1}, {1, 1}, false, {0, 0}, 1);
    EXPECT_LT((forward(c) - expected).abs().max().item<float>(), 1e-5F);
  }
}

/// Moves `value` a little and returns the loss's slope. The map between cells is a polynomial,
/// whose pieces meet at the cells: an offset must not be moved over one.
template <typename T>
double slope_of(const Case& c, T& value) {
  const T before = value;
  constexpr T kStep = static_cast<T>(std::is_same_v<T, double> ? 0x1p-24 : 0x1p-12);
  value = before + kStep;
  const auto above_at = static_cast<double>(value);
  const double above = c.loss();
  value = before - kStep;
  const auto below_at = static_cast<double>(value);
  const double below = c.loss();
  value = before;
  return (above - below) / (above_at - below_at);
}

void expect_slopes(const Case& c, auto&& values, const at::Tensor& gradients, const char* what) {
  const at::Tensor dense = gradients.contiguous();
  ASSERT_EQ(dense.numel(), static_cast<std::int64_t>(values.size()));
  for (std::size_t i = 0; i < values.size(); ++i) {
    const double expected = slope_of(c, values[i]);
    EXPECT_NEAR(static_cast<double>(dense.data_ptr<float>()[i]), expected,
                2e-4 * std::max(1.0, std::abs(expected)))
        << what << " " << i;
  }
}

TEST(DeformableLayer, GradientsEqualFiniteDifferences) {
  std::vector<Case> all = cases();
  for (Case& c : all) {
    const DeformableGradients gradients = backward(c);
    expect_slopes(c, c.map.values, gradients.map[1], "map");
    EXPECT_EQ(gradients.map[0].abs().max().item<float>(), 0);
    expect_slopes(c, c.weights.tensors.at("n.weight").values(), gradients.weight, "weight");
    if (c.op.bias) {
      expect_slopes(c, c.weights.tensors.at("n.bias").values(), gradients.bias, "bias");
    }
    if (std::abs(c.offsets.values[0]) > 1e6) continue;  // float32 does not resolve the step there
    expect_slopes(c, c.offsets.values, gradients.offsets[1], "offset");
    EXPECT_EQ(gradients.offsets[0].abs().max().item<float>(), 0);
  }
}

TEST(DeformableLayer, WhatIsNotAskedForIsNotGiven) {
  const Case c({.out_channels = 4, .bias = true}, 1);
  const DeformableGradients nothing = deformable_backward(
      c.op, tensor_of(c.map), offsets_of(c), tensor_of(c, "n.weight"), tensor_of(c.loss_weights),
      {.map = false, .offsets = false, .parameters = false});
  EXPECT_FALSE(nothing.map.defined() || nothing.offsets.defined() || nothing.weight.defined() ||
               nothing.bias.defined());
}

TEST(DeformableLayer, DoesNotDependOnTheThreads) {
  const int before = at::get_num_threads();
  const Case c({.out_channels = 4, .bias = true}, 1.7);
  at::set_num_threads(1);
  const DeformableGradients one = backward(c);
  at::set_num_threads(3);
  const DeformableGradients three = backward(c);
  at::set_num_threads(before);
  EXPECT_TRUE(three.map.equal(one.map));
  EXPECT_TRUE(three.offsets.equal(one.offsets));
  EXPECT_TRUE(three.weight.equal(one.weight));
}

TEST(DeformableLayer, Bfloat16IsNearFloat32) {
  const Case c({.out_channels = 4, .bias = true}, 1.7);
  // bfloat16 offsets move the points by up to 1 / 256 of a cell, some of them over a cell, where
  // the offset's own gradient jumps.
  const auto near = [](const at::Tensor& rounded, const at::Tensor& exact, float limit = 0.03F) {
    const at::Tensor difference = rounded.to(at::kFloat) - exact;
    return (difference.norm() / exact.norm()).item<float>() < limit;
  };
  EXPECT_TRUE(near(forward(c, at::kBFloat16), forward(c)));
  const DeformableGradients rounded = backward(c, at::kBFloat16);
  const DeformableGradients exact = backward(c);
  EXPECT_TRUE(near(rounded.map, exact.map));
  EXPECT_TRUE(near(rounded.offsets, exact.offsets, 0.2F));
  EXPECT_TRUE(near(rounded.weight, exact.weight));
  EXPECT_TRUE(near(rounded.bias, exact.bias));
}

}  // namespace
}  // namespace retinaface::runtime
