#include "graph/operators.h"

#include <algorithm>

#include "base/check.h"
#include "base/overloaded.h"

namespace retinaface::graph {
namespace {

std::int64_t window_count(std::int64_t in, std::int64_t kernel, std::int64_t stride,
                          std::int64_t padding) {
  RF_CHECK(in + 2 * padding >= kernel);
  return (in + 2 * padding - kernel) / stride + 1;
}

}  // namespace

std::string_view operator_name(const Operator& op) {
  return std::visit(
      Overloaded{[](const Input&) { return "Input"; },
                 [](const Convolution&) { return "Convolution"; },
                 [](const DeformableConvolution&) { return "DeformableConvolution"; },
                 [](const BatchNorm&) { return "BatchNorm"; },
                 [](const LeakyRelu& relu) { return relu.slope == 0 ? "Relu" : "LeakyRelu"; },
                 [](const Add&) { return "Add"; }, [](const Concat&) { return "Concat"; },
                 [](const UpsampleLike&) { return "UpsampleLike"; },
                 [](const MaxPool&) { return "MaxPool"; }},
      op);
}

bool is_convolution(const Operator& op) {
  return std::holds_alternative<Convolution>(op) ||
         std::holds_alternative<DeformableConvolution>(op);
}

Shape output_shape(const Operator& op, std::span<const Shape> inputs) {
  RF_CHECK(std::holds_alternative<Input>(op) || !inputs.empty());
  return std::visit(
      Overloaded{
          [&](const Input& input) {
            return Shape{1, input.channels, 0, 0};
          },
          [&](const Convolution& conv) {
            const Shape& in = inputs[0];
            RF_CHECK(in.c % conv.groups == 0 && conv.out_channels % conv.groups == 0);
            return Shape{in.n, conv.out_channels,
                         window_count(in.h, conv.kernel, conv.stride, conv.padding),
                         window_count(in.w, conv.kernel, conv.stride, conv.padding)};
          },
          [&](const DeformableConvolution& conv) {
            RF_CHECK(inputs.size() == 2);
            const Shape& in = inputs[0];
            const Shape out = {in.n, conv.out_channels,
                               window_count(in.h, conv.kernel, conv.stride, conv.padding),
                               window_count(in.w, conv.kernel, conv.stride, conv.padding)};
            RF_CHECK(inputs[1] == (Shape{out.n, conv.offset_channels(), out.h, out.w}));
            return out;
          },
          [&](const BatchNorm&) { return inputs[0]; }, [&](const LeakyRelu&) { return inputs[0]; },
          [&](const Add&) {
            RF_CHECK(inputs.size() == 2 && inputs[0] == inputs[1]);
            return inputs[0];
          },
          [&](const Concat&) {
            Shape out = inputs[0];
            for (const Shape& in : inputs.subspan(1)) {
              RF_CHECK(in.n == out.n && in.h == out.h && in.w == out.w);
              out.c += in.c;
            }
            return out;
          },
          [&](const UpsampleLike&) {
            RF_CHECK(inputs.size() == 2);
            return Shape{inputs[0].n, inputs[0].c, inputs[1].h, inputs[1].w};
          },
          [&](const MaxPool& pool) {
            const Shape& in = inputs[0];
            return Shape{in.n, in.c, window_count(in.h, pool.kernel, pool.stride, pool.padding),
                         window_count(in.w, pool.kernel, pool.stride, pool.padding)};
          }},
      op);
}

std::vector<Shape> input_shapes(const Node& node, std::span<const Shape> shapes) {
  std::vector<Shape> inputs;
  inputs.reserve(node.inputs.size());
  for (const NodeId input : node.inputs) inputs.push_back(shapes[static_cast<std::size_t>(input)]);
  return inputs;
}

std::vector<Shape> infer_shapes(const Graph& graph, const Shape& input) {
  std::vector<Shape> shapes;
  shapes.reserve(graph.nodes().size());
  for (const Node& node : graph.nodes()) {
    if (const auto* in = std::get_if<Input>(&node.op)) {
      RF_CHECK(in->channels == input.c);
      shapes.push_back(input);
    } else {
      shapes.push_back(output_shape(node.op, input_shapes(node, shapes)));
    }
  }
  return shapes;
}

std::vector<ParameterSpec> parameters(const Node& node, std::span<const Shape> inputs) {
  if (!node.shared_with.empty()) return {};
  const auto convolution = [&](const auto& conv, std::int64_t in_channels) {
    std::vector<ParameterSpec> result = {
        {node.parameter("weight"), {conv.out_channels, in_channels, conv.kernel, conv.kernel}}};
    if (conv.bias) result.push_back({node.parameter("bias"), {conv.out_channels}});
    return result;
  };
  if (const auto* conv = std::get_if<Convolution>(&node.op)) {
    return convolution(*conv, inputs[0].c / conv->groups);
  }
  if (const auto* conv = std::get_if<DeformableConvolution>(&node.op)) {
    return convolution(*conv, inputs[0].c);
  }
  if (std::holds_alternative<BatchNorm>(node.op)) {
    std::vector<ParameterSpec> result;
    for (const char* name : {"weight", "bias", "running_mean", "running_var"}) {
      result.push_back({node.parameter(name), {inputs[0].c}});
    }
    return result;
  }
  return {};
}

std::int64_t input_channels(const Graph& graph) {
  const auto* input = std::get_if<Input>(&graph.nodes().front().op);
  RF_CHECK(input != nullptr);
  return input->channels;
}

std::vector<Shape> channel_shapes(const Graph& graph) {
  constexpr std::int64_t kAnySide = 256;  // all windows fit into it
  return infer_shapes(graph, {1, input_channels(graph), kAnySide, kAnySide});
}

std::vector<ParameterSpec> parameters(const Graph& graph) {
  const std::vector<Shape> shapes = channel_shapes(graph);
  std::vector<ParameterSpec> result;
  for (const Node& node : graph.nodes()) {
    std::ranges::move(parameters(node, input_shapes(node, shapes)), std::back_inserter(result));
  }
  return result;
}

std::int64_t multiply_adds(const Operator& op, std::span<const Shape> inputs) {
  const std::int64_t results = output_shape(op, inputs).elements();
  if (const auto* conv = std::get_if<Convolution>(&op)) {
    return results * (inputs[0].c / conv->groups) * conv->kernel * conv->kernel;
  }
  if (const auto* conv = std::get_if<DeformableConvolution>(&op)) {
    return results * inputs[0].c * conv->kernel * conv->kernel;
  }
  return 0;
}

}  // namespace retinaface::graph
