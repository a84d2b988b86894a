#include <algorithm>
#include <utility>

#include "base/check.h"
#include "base/file.h"
#include "graph/graph_json.h"
#include "graph/operators.h"
#include "interchange/onnx_follower.h"

namespace retinaface::interchange::onnx {

Follower::Window Follower::window(const Integers& kernel) const {
  constexpr std::int64_t kMaxWindow = 1024;
  const Integers strides = list("strides", {1, 1});
  const Integers dilations = list("dilations", {1, 1});
  Integers pads = list("pads", {0, 0, 0, 0});
  const auto pair = [](const Integers& values) {
    return values.size() == 2 && values[0] == values[1];
  };
  if (!pair(kernel) || kernel[0] < 1 || kernel[0] > kMaxWindow) {
    refuse("expected a kernel with two sides alike, found {}", graph::to_string(kernel));
  }
  if (!pair(strides) || strides[0] < 1 || strides[0] > kMaxWindow) {
    refuse("expected strides alike, found {}", graph::to_string(strides));
  }
  if (!pair(dilations) || dilations[0] != 1) {
    refuse("expected dilations of 1, found {}", graph::to_string(dilations));
  }
  const std::string automatic = word("auto_pad", "NOTSET");
  if (automatic == "VALID") {
    pads = {0, 0, 0, 0};
  } else if (automatic != "NOTSET") {
    // The same on all sides only here.
    if (strides[0] != 1 || kernel[0] % 2 == 0) {
      refuse("the padding '{}' may differ from side to side", excerpt(automatic));
    }
    pads.assign(4, kernel[0] / 2);
  }
  const bool alike = pads.size() == 4 && std::ranges::count(pads, pads[0]) == 4;
  if (!alike || pads[0] < 0 || pads[0] >= kMaxWindow) {
    refuse("expected the same padding on all sides, found {}", graph::to_string(pads));
  }
  return {kernel[0], strides[0], pads[0]};
}

NodeId Follower::convolve(NodeId map) {
  const Constant& weight = constant(1);
  if (weight.shape.size() != 4 || weight.values.empty()) {
    refuse("expected weights of four extents, found {}", graph::to_string(weight.shape));
  }
  const Window w = window({weight.shape[2], weight.shape[3]});
  graph::Convolution conv = {.out_channels = weight.shape[0],
                             .kernel = w.kernel,
                             .stride = w.stride,
                             .padding = w.padding,
                             .groups = integer("group", 1),
                             .bias = has_input(2)};
  if (conv.groups < 1 || conv.groups > graph::kMaxChannels) refuse("has {} groups", conv.groups);
  if (weight.shape[1] * conv.groups != shape_of(map).c) {
    refuse("weights of shape {} in {} groups do not fit {} channels",
           graph::to_string(weight.shape), conv.groups, shape_of(map).c);
  }
  if (conv.bias && (constant(2).shape != Integers{conv.out_channels})) {
    refuse("a bias of shape {} for {} channels", graph::to_string(constant(2).shape),
           conv.out_channels);
  }
  // The same weights for several maps are one set of parameters.
  const std::string key =
      fmt::format("{}\n{}", node_->inputs[1], conv.bias ? node_->inputs[2] : std::string());
  const auto owner = owners_.find(key);
  if (owner != owners_.end() && result_.graph.node(owner->second).op == graph::Operator(conv)) {
    return add(conv, {map}, {}, result_.graph.node(owner->second).name);
  }
  const NodeId node = add(conv, {map}, parameter_owner(node_->inputs[1]));
  set_parameter(node, "weight", weight.shape, weight.values);
  if (conv.bias) set_parameter(node, "bias", constant(2).shape, constant(2).values);
  owners_.emplace(key, node);
  return node;
}

std::string Follower::parameter_owner(const std::string& weight) {
  constexpr std::string_view kSuffix = ".weight";
  if (!weight.ends_with(kSuffix)) return new_name(node_->output);
  return new_name(std::string_view(weight).substr(0, weight.size() - kSuffix.size()));
}

void Follower::fused_convolution() {
  NodeId result = convolve(map(0));
  if (has_input(3)) result = add(graph::Add{}, {result, map(3)});
  const std::string activation = word("activation", "");
  const auto* parameters = attribute<std::vector<float>>("activation_params");
  const auto parameter = [&](std::size_t i) {
    if (parameters == nullptr || i >= parameters->size()) {
      refuse("expected a parameter of its activation, found none");
    }
    return (*parameters)[i];
  };
  const std::string name = new_name(node_->output + ".activation");
  if (activation == "Relu") {
    result = add(graph::LeakyRelu{0}, {result}, name);
  } else if (activation == "LeakyRelu") {
    result = add(graph::LeakyRelu{parameter(0)}, {result}, name);
  } else if (activation == "Sigmoid") {
    result = add(graph::Sigmoid{}, {result}, name);
  } else if (activation == "Clip") {
    result = add(graph::Clip{parameter(0), parameter(1)}, {result}, name);
  } else if (!activation.empty()) {
    refuse("its activation '{}' is not known", excerpt(activation));
  }
  yield_map(result);
}

void Follower::multiply(const ArrangedMaps& value, std::int64_t out, std::vector<float> weight,
                        std::optional<std::vector<float>> bias) {
  const Shape s = shape_of(value.maps[0]);
  if (value.arrangement != Arrangement::kVector || s.h != s.w) {
    refuse("expected a square map as one vector, found {}", graph::to_string(extents(value)));
  }
  if (s.h > 1 && !result_.fixed_size) {
    refuse("takes the whole map, whose size the file leaves open");
  }
  const NodeId node =
      add(graph::Convolution{.out_channels = out, .kernel = s.h, .bias = bias.has_value()},
          {value.maps[0]}, parameter_owner(node_->inputs[1]));
  set_parameter(node, "weight", {out, s.c, s.h, s.h}, weight);
  if (bias) set_parameter(node, "bias", {out}, *bias);
  yield(ArrangedMaps{Arrangement::kVector, {node}});
}

std::pair<std::int64_t, std::vector<float>> Follower::matrix(std::int64_t in, bool transposed,
                                                             float factor) {
  const Constant& found = constant(1);
  const bool fits = found.shape.size() == 2 && found.shape[transposed ? 1 : 0] == in;
  if (!fits || found.values.empty()) {
    refuse("a matrix of shape {} does not fit a vector of {}", graph::to_string(found.shape), in);
  }
  const std::int64_t out = found.shape[transposed ? 0 : 1];
  std::vector<float> result(found.values.begin(), found.values.end());
  if (!transposed) {
    for (std::int64_t o = 0; o < out; ++o) {
      for (std::int64_t i = 0; i < in; ++i) {
        result[static_cast<std::size_t>(o * in + i)] =
            found.values[static_cast<std::size_t>(i * out + o)];
      }
    }
  }
  if (factor != 1) {
    for (float& value : result) value *= factor;
  }
  return {out, std::move(result)};
}

void Follower::gemm() {
  if (integer("transA", 0) != 0) refuse("a transposed first input is not read");
  const ArrangedMaps& value = maps(0);
  auto [out, weight] = matrix(extents(value).back(), integer("transB", 0) != 0, number("alpha", 1));
  std::optional<std::vector<float>> bias;
  if (has_input(2)) {
    const Constant& found = constant(2);
    const float beta = number("beta", 1);
    if (found.values.size() != 1 && static_cast<std::int64_t>(found.values.size()) != out) {
      refuse("a bias of shape {} for {} values", graph::to_string(found.shape), out);
    }
    bias.emplace(static_cast<std::size_t>(out));
    for (std::size_t i = 0; i < bias->size(); ++i) {
      (*bias)[i] = beta * found.values[found.values.size() == 1 ? 0 : i];
    }
  }
  multiply(value, out, std::move(weight), std::move(bias));
}

void Follower::matrix_product() {
  const ArrangedMaps& value = maps(0);
  auto [out, weight] = matrix(extents(value).back(), false, 1);
  multiply(value, out, std::move(weight), std::nullopt);
}

void Follower::normalization() {
  const ArrangedMaps& value = maps(0);
  const Shape s = shape_of(value.maps[0]);
  const bool whole = value.arrangement == Arrangement::kVector && s.h == 1 && s.w == 1;
  if (value.arrangement != Arrangement::kMap && !whole) {
    refuse("expected a map or a vector of channels, found {}", graph::to_string(extents(value)));
  }
  for (std::size_t i = 1; i < 5; ++i) {
    if (constant(i).shape != Integers{s.c}) {
      refuse("parameters of shape {} for {} channels", graph::to_string(constant(i).shape), s.c);
    }
  }
  const NodeId node = add(graph::BatchNorm{number("epsilon", 1e-5F)}, {value.maps[0]},
                          parameter_owner(node_->inputs[1]));
  std::size_t i = 1;
  for (const char* suffix : {"weight", "bias", "running_mean", "running_var"}) {
    set_parameter(node, suffix, {s.c}, constant(i++).values);
  }
  yield(ArrangedMaps{value.arrangement, {node}});
}

void Follower::max_pool() {
  const Window w = window(list("kernel_shape", {}));
  if (w.padding >= w.kernel) refuse("a padding of {} for a kernel of {}", w.padding, w.kernel);
  yield_map(
      add(graph::MaxPool{w.kernel, w.stride, w.padding, integer("ceil_mode", 0) != 0}, {map(0)}));
}

void Follower::average_pool() {
  const Window w = window(list("kernel_shape", {}));
  const bool round_up = integer("ceil_mode", 0) != 0;
  if (w.padding >= w.kernel) refuse("a padding of {} for a kernel of {}", w.padding, w.kernel);
  if (integer("count_include_pad", 0) != 0 && (w.padding > 0 || round_up)) {
    refuse("a mean that counts cells outside of the map is not read");
  }
  yield_map(add(graph::AveragePool{w.kernel, w.stride, w.padding, round_up}, {map(0)}));
}

}  // namespace retinaface::interchange::onnx
