#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "graph/graph.h"

namespace retinaface::graph {

/// A parameter that a node needs: its full name ("body.stage1.0.0.weight") and its extents.
struct ParameterSpec {
  std::string name;
  std::vector<std::int64_t> shape;
};

/// The operator's name as people know it, e.g. "Convolution".
std::string_view operator_name(const Operator& op);

/// Whether `op` is a convolution, plain or deformable.
bool is_convolution(const Operator& op);

/// Shape of what `op` yields for inputs of these shapes, or why it takes no such inputs.
struct ShapeResult {
  Shape shape;
  std::string problem = {};  ///< empty: there is a shape
};
ShapeResult find_output_shape(const Operator& op, std::span<const Shape> inputs);

/// The same where the inputs are known to be right.
Shape output_shape(const Operator& op, std::span<const Shape> inputs);

/// Channels of the image that the graph takes.
std::int64_t input_channels(const Graph& graph);

/// Shapes of all nodes' outputs, by node id, for an input image of `input`. The number of input
/// channels is the graph's own and must agree.
std::vector<Shape> infer_shapes(const Graph& graph, const Shape& input);

/// Why the graph cannot take an input of this shape, with the node: a window larger than its map,
/// for example. Empty if it can. The networks of the catalogue take all sizes.
std::string size_problem(const Graph& graph, const Shape& input);

/// The same as infer_shapes for an image of some size: for those who need the channels alone, which
/// do not depend on it.
std::vector<Shape> channel_shapes(const Graph& graph);

/// The parameters that are `node`'s own: none where it shares another's.
std::vector<ParameterSpec> parameters(const Node& node, std::span<const Shape> inputs);

/// All parameters of the graph, in node order.
std::vector<ParameterSpec> parameters(const Graph& graph);

/// Multiply-adds of one node; only convolutions count, as is usual for detectors (of deformable
/// ones the products, not the interpolation).
std::int64_t multiply_adds(const Operator& op, std::span<const Shape> inputs);

/// The graph without the nodes on which no output depends, the image excepted.
Graph without_unused(const Graph& graph);

/// The input shapes of one node, taken from the result of infer_shapes.
std::vector<Shape> input_shapes(const Node& node, std::span<const Shape> shapes);

}  // namespace retinaface::graph
