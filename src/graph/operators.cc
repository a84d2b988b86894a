#include "graph/operators.h"

#include <algorithm>

#include <fmt/format.h>

#include "base/check.h"
#include "base/overloaded.h"

namespace retinaface::graph {
namespace {

std::int64_t window_count(std::int64_t in, std::int64_t kernel, std::int64_t stride,
                          std::int64_t padding, bool round_up = false) {
  const std::int64_t steps = in + 2 * padding - kernel;
  std::int64_t count = (steps + (round_up ? stride - 1 : 0)) / stride + 1;
  if (round_up && (count - 1) * stride >= in + padding) --count;
  return count;
}

/// Of an operator that moves a window over one map.
template <typename Window>
ShapeResult windowed(const Shape& in, std::int64_t channels, const Window& op, bool round_up) {
  if (in.h + 2 * op.padding < op.kernel || in.w + 2 * op.padding < op.kernel) {
    return {{},
            fmt::format("a window of {} does not fit into a map of {}x{}", op.kernel, in.h, in.w)};
  }
  return {{in.n, channels, window_count(in.h, op.kernel, op.stride, op.padding, round_up),
           window_count(in.w, op.kernel, op.stride, op.padding, round_up)}};
}

/// Whether input 1 of Arithmetic serves input 0.
bool serves(const Shape& of, const Shape& in) {
  const auto fits = [](std::int64_t a, std::int64_t b) { return a == b || a == 1; };
  return of.n == in.n && fits(of.c, in.c) && fits(of.h, in.h) && fits(of.w, in.w);
}

std::size_t wanted_inputs(const Operator& op) {
  if (std::holds_alternative<Input>(op)) return 0;
  const bool two = std::holds_alternative<Add>(op) || std::holds_alternative<Arithmetic>(op) ||
                   std::holds_alternative<UpsampleLike>(op) ||
                   std::holds_alternative<GridSample>(op) ||
                   std::holds_alternative<DeformableConvolution>(op);
  return two ? 2 : 1;
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
                 [](const MaxPool&) { return "MaxPool"; },
                 [](const AveragePool&) { return "AveragePool"; },
                 [](const GlobalAveragePool&) { return "GlobalAveragePool"; },
                 [](const PRelu&) { return "PRelu"; }, [](const Sigmoid&) { return "Sigmoid"; },
                 [](const Softmax&) { return "Softmax"; }, [](const Clip&) { return "Clip"; },
                 [](const Pad&) { return "Pad"; }, [](const GridSample&) { return "GridSample"; },
                 [](const Arithmetic& arithmetic) {
                   switch (arithmetic.kind) {
                     case Arithmetic::Kind::kSubtract:
                       return "Subtract";
                     case Arithmetic::Kind::kMultiply:
                       return "Multiply";
                     case Arithmetic::Kind::kDivide:
                       return "Divide";
                   }
                   RF_CHECK(false);
                 }},
      op);
}

bool is_convolution(const Operator& op) {
  return std::holds_alternative<Convolution>(op) ||
         std::holds_alternative<DeformableConvolution>(op);
}

ShapeResult find_output_shape(const Operator& op, std::span<const Shape> inputs) {
  const bool any_number = std::holds_alternative<Concat>(op) && !inputs.empty();
  if (!any_number && inputs.size() != wanted_inputs(op)) {
    return {{}, fmt::format("expected {} input(s), found {}", wanted_inputs(op), inputs.size())};
  }
  const auto same = [&] { return ShapeResult{inputs[0]}; };
  return std::visit(
      Overloaded{
          [&](const Input& input) {
            return ShapeResult{{1, input.channels, 0, 0}};
          },
          [&](const Convolution& conv) {
            const Shape& in = inputs[0];
            if (in.c % conv.groups != 0 || conv.out_channels % conv.groups != 0) {
              return ShapeResult{{},
                                 fmt::format("{} groups do not divide {} channels to {}",
                                             conv.groups, in.c, conv.out_channels)};
            }
            return windowed(in, conv.out_channels, conv, false);
          },
          [&](const DeformableConvolution& conv) {
            ShapeResult out = windowed(inputs[0], conv.out_channels, conv, false);
            if (out.problem.empty() &&
                inputs[1] != Shape{out.shape.n, conv.offset_channels(), out.shape.h, out.shape.w}) {
              out.problem = fmt::format("offsets of {} for a result of {}", to_string(inputs[1]),
                                        to_string(out.shape));
            }
            return out;
          },
          [&](const BatchNorm&) { return same(); }, [&](const LeakyRelu&) { return same(); },
          [&](const Add&) {
            if (inputs[0] == inputs[1]) return same();
            return ShapeResult{{},
                               fmt::format("expected maps of one size, found {} and {}",
                                           to_string(inputs[0]), to_string(inputs[1]))};
          },
          [&](const Concat&) {
            Shape out = inputs[0];
            for (const Shape& in : inputs.subspan(1)) {
              if (in.n != out.n || in.h != out.h || in.w != out.w) {
                return ShapeResult{{},
                                   fmt::format("expected maps of one size, found {} and {}",
                                               to_string(inputs[0]), to_string(in))};
              }
              out.c += in.c;
            }
            return ShapeResult{out};
          },
          [&](const UpsampleLike&) {
            return ShapeResult{{inputs[0].n, inputs[0].c, inputs[1].h, inputs[1].w}};
          },
          [&](const MaxPool& pool) {
            return windowed(inputs[0], inputs[0].c, pool, pool.round_up);
          },
          [&](const AveragePool& pool) {
            return windowed(inputs[0], inputs[0].c, pool, pool.round_up);
          },
          [&](const GlobalAveragePool&) {
            return ShapeResult{{inputs[0].n, inputs[0].c, 1, 1}};
          },
          [&](const PRelu&) { return same(); }, [&](const Sigmoid&) { return same(); },
          [&](const Softmax& softmax) {
            if (inputs[0].c % softmax.channels == 0) return same();
            return ShapeResult{
                {},
                fmt::format("runs of {} do not divide {} channels", softmax.channels, inputs[0].c)};
          },
          [&](const Clip&) { return same(); },
          [&](const Pad& pad) {
            return ShapeResult{{inputs[0].n, inputs[0].c, inputs[0].h + pad.top + pad.bottom,
                                inputs[0].w + pad.left + pad.right}};
          },
          [&](const GridSample&) {
            const Shape& grid = inputs[1];
            if (grid.n == inputs[0].n && grid.c == 2) {
              return ShapeResult{{inputs[0].n, inputs[0].c, grid.h, grid.w}};
            }
            return ShapeResult{
                {}, fmt::format("expected places of 2 channels, found {}", to_string(grid))};
          },
          [&](const Arithmetic&) {
            if (serves(inputs[1], inputs[0])) return same();
            return ShapeResult{{},
                               fmt::format("expected a second map that serves {}, found {}",
                                           to_string(inputs[0]), to_string(inputs[1]))};
          }},
      op);
}

Shape output_shape(const Operator& op, std::span<const Shape> inputs) {
  const ShapeResult result = find_output_shape(op, inputs);
  RF_CHECK(result.problem.empty());
  return result.shape;
}

std::string size_problem(const Graph& graph, const Shape& input) {
  std::vector<Shape> shapes;
  for (const Node& node : graph.nodes()) {
    if (std::holds_alternative<Input>(node.op)) {
      shapes.push_back(input);
      continue;
    }
    const ShapeResult result = find_output_shape(node.op, input_shapes(node, shapes));
    if (!result.problem.empty()) {
      return fmt::format("{} '{}': {}", operator_name(node.op), node.name, result.problem);
    }
    shapes.push_back(result.shape);
  }
  return {};
}

Graph without_unused(const Graph& graph) {
  std::vector<bool> used(graph.nodes().size(), false);
  used.front() = true;
  for (const Output& output : graph.outputs()) used[static_cast<std::size_t>(output.node)] = true;
  for (std::size_t id = graph.nodes().size(); id-- > 0;) {
    if (!used[id]) continue;
    const Node& node = graph.nodes()[id];
    for (const NodeId input : node.inputs) used[static_cast<std::size_t>(input)] = true;
    if (node.shared_with.empty()) continue;
    const auto owner = std::ranges::find(graph.nodes(), node.shared_with, &Node::name);
    used[static_cast<std::size_t>(owner - graph.nodes().begin())] = true;
  }
  Graph result;
  std::vector<NodeId> moved(graph.nodes().size(), -1);
  for (std::size_t id = 0; id < graph.nodes().size(); ++id) {
    if (!used[id]) continue;
    const Node& node = graph.nodes()[id];
    std::vector<NodeId> inputs;
    for (const NodeId input : node.inputs) inputs.push_back(moved[static_cast<std::size_t>(input)]);
    if (node.shared_with.empty()) {
      moved[id] = result.add(node.name, node.op, std::move(inputs));
    } else {
      moved[id] = result.add_sharing(node.name, node.op, std::move(inputs), node.shared_with);
    }
  }
  for (const Output& output : graph.outputs()) {
    result.add_output(output.name, moved[static_cast<std::size_t>(output.node)]);
  }
  return result;
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
  if (std::holds_alternative<PRelu>(node.op)) return {{node.parameter("weight"), {inputs[0].c}}};
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
