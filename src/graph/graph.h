#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace retinaface::graph {

/// Extent of a feature map: batch, channels, height, width.
struct Shape {
  std::int64_t n = 0;
  std::int64_t c = 0;
  std::int64_t h = 0;
  std::int64_t w = 0;

  std::int64_t elements() const { return n * c * h * w; }
  friend bool operator==(const Shape&, const Shape&) = default;
};

std::string to_string(const Shape& shape);

// Operators: what a node computes, as plain attributes. What each of them means for shapes,
// parameters and cost stands in operators.cc, what it computes in each reader under runtime/.

/// The image, `channels` planes of any height and width.
struct Input {
  std::int64_t channels = 3;
  friend bool operator==(const Input&, const Input&) = default;
};

/// Cross-correlation with zero padding; output side floor((in + 2 padding - kernel) / stride) + 1.
/// Parameters: weight (out, in / groups, kernel, kernel), bias (out) if `bias`.
struct Convolution {
  std::int64_t out_channels = 0;
  std::int64_t kernel = 1;
  std::int64_t stride = 1;
  std::int64_t padding = 0;
  std::int64_t groups = 1;
  bool bias = false;
  friend bool operator==(const Convolution&, const Convolution&) = default;
};

/// Modulated deformable convolution (Zhu et al. 2019, "Deformable ConvNets v2"): as Convolution,
/// but each of the kernel * kernel points is read where the offsets put it, by bilinear
/// interpolation (cells outside the map are 0), and scaled by its mask. Input 0 is the map. Input
/// 1, of the result's height and width, says where: with K = kernel * kernel, channel 2 k is what
/// is added to the y of point k (counted row by row), channel 2 k + 1 to its x, both in cells, and
/// channel 2 K + k holds a logit, mask = 2 sigmoid(logit). All zeros make it the plain convolution.
/// Parameters: weight (out, in, kernel, kernel), bias (out) if `bias`.
struct DeformableConvolution {
  std::int64_t out_channels = 0;
  std::int64_t kernel = 3;
  std::int64_t stride = 1;
  std::int64_t padding = 1;
  bool bias = false;

  std::int64_t offset_channels() const { return 3 * kernel * kernel; }
  friend bool operator==(const DeformableConvolution&, const DeformableConvolution&) = default;
};

/// y = (x - running_mean) / sqrt(running_var + epsilon) * weight + bias, per channel.
struct BatchNorm {
  float epsilon = 1e-5F;
  friend bool operator==(const BatchNorm&, const BatchNorm&) = default;
};

/// y = max(x, 0) + slope min(x, 0). Slope 0 is ReLU.
struct LeakyRelu {
  float slope = 0.0F;
  friend bool operator==(const LeakyRelu&, const LeakyRelu&) = default;
};

/// Sum of two maps of one shape.
struct Add {
  friend bool operator==(const Add&, const Add&) = default;
};

/// Concatenation of any number of maps along the channels.
struct Concat {
  friend bool operator==(const Concat&, const Concat&) = default;
};

/// Nearest-neighbour resize of input 0 to the height and width of input 1:
/// source = floor(target * in / out).
struct UpsampleLike {
  friend bool operator==(const UpsampleLike&, const UpsampleLike&) = default;
};

/// Maximum over a window; padding never wins. With `round_up` a last window that is cut off by the
/// padding's edge counts too, unless all of it lies beyond the map.
struct MaxPool {
  std::int64_t kernel = 2;
  std::int64_t stride = 2;
  std::int64_t padding = 0;
  bool round_up = false;
  friend bool operator==(const MaxPool&, const MaxPool&) = default;
};

/// Mean over what of a window lies in the map; windows as those of MaxPool.
struct AveragePool {
  std::int64_t kernel = 2;
  std::int64_t stride = 2;
  std::int64_t padding = 0;
  bool round_up = false;
  friend bool operator==(const AveragePool&, const AveragePool&) = default;
};

/// Mean over each whole plane: (N, C, 1, 1).
struct GlobalAveragePool {
  friend bool operator==(const GlobalAveragePool&, const GlobalAveragePool&) = default;
};

/// y = max(x, 0) + weight min(x, 0), the weight by channel. Parameters: weight (C).
struct PRelu {
  friend bool operator==(const PRelu&, const PRelu&) = default;
};

/// y = 1 / (1 + exp(-x)).
struct Sigmoid {
  friend bool operator==(const Sigmoid&, const Sigmoid&) = default;
};

/// exp(x) over the sum of them, of each run of `channels` adjacent channels of a cell.
struct Softmax {
  std::int64_t channels = 2;
  friend bool operator==(const Softmax&, const Softmax&) = default;
};

/// y = min(max(x, min), max).
struct Clip {
  float min = 0;
  float max = 6;
  friend bool operator==(const Clip&, const Clip&) = default;
};

/// Input 0 less, times or over input 1, cell by cell. Input 1 has the extents of input 0, or 1
/// where its value serves the whole extent.
struct Arithmetic {
  enum class Kind { kSubtract, kMultiply, kDivide };
  Kind kind = Kind::kMultiply;
  friend bool operator==(const Arithmetic&, const Arithmetic&) = default;
};

/// `value` around each plane.
struct Pad {
  std::int64_t top = 0;
  std::int64_t left = 0;
  std::int64_t bottom = 0;
  std::int64_t right = 0;
  float value = 0;
  friend bool operator==(const Pad&, const Pad&) = default;
};

/// Input 0 read where input 1 says, a map of 2 channels that has the result's height and width: x
/// in channel 0, y in channel 1, from -1 to 1 over the map, whose ends are the centres of the
/// outermost cells if `align_corners`, else their outer edges. Between cells by bilinear
/// interpolation, or the nearest cell (of two, the even one). Beyond the map all is 0, or what its
/// border has.
struct GridSample {
  bool nearest = false;
  bool border = false;
  bool align_corners = false;
  friend bool operator==(const GridSample&, const GridSample&) = default;

  /// Where a coordinate of the grid lies among `side` cells, whose centres are 0 to side - 1.
  template <typename Real>
  Real cell(Real coordinate, std::int64_t side) const {
    const auto cells = static_cast<Real>(side);
    const Real place =
        align_corners ? (coordinate + 1) / 2 * (cells - 1) : ((coordinate + 1) * cells - 1) / 2;
    if (!border) return place;
    return place > 0 ? (place < cells - 1 ? place : cells - 1) : 0;
  }
};

using Operator = std::variant<Input, Convolution, DeformableConvolution, BatchNorm, LeakyRelu, Add,
                              Concat, UpsampleLike, MaxPool, AveragePool, GlobalAveragePool, PRelu,
                              Sigmoid, Softmax, Clip, Arithmetic, Pad, GridSample>;

/// Index of a node, and so of the one tensor that it yields.
using NodeId = std::int32_t;

struct Node {
  std::string name;  ///< unique; its parameters are called NAME.weight and so on
  Operator op;
  std::vector<NodeId> inputs;
  /// The node before whose parameters this one uses, a Convolution like it; empty: it has its own.
  std::string shared_with = {};

  /// The full name of one of its parameters, "weight" for example.
  std::string parameter(std::string_view suffix) const;
};

struct Output {
  std::string name;  ///< what the reader of the outputs asks for, e.g. "cls.0"
  NodeId node = 0;
  /// Read on the way, beside what the network is for: nothing is computed otherwise because of it,
  /// while the others are in float32 whatever the network computes in.
  bool is_observed = false;
};

/// A network as data: nodes in an order in which each comes after its inputs, and named outputs.
/// Built once, then only read.
class Graph {
 public:
  /// Appends a node and returns its id; `inputs` are nodes added before. The name must be new.
  NodeId add(std::string name, Operator op, std::vector<NodeId> inputs);
  /// The same for a Convolution that uses the parameters of the node `shared_with`, so that one set
  /// of weights serves several maps.
  NodeId add_sharing(std::string name, Operator op, std::vector<NodeId> inputs,
                     std::string shared_with);
  void add_output(std::string name, NodeId node, bool is_observed = false);

  const std::vector<Node>& nodes() const { return nodes_; }
  const std::vector<Output>& outputs() const { return outputs_; }
  const Node& node(NodeId id) const { return nodes_[static_cast<std::size_t>(id)]; }
  /// Position among outputs() of the output called `name`, -1 if there is none.
  int find_output(std::string_view name) const;

 private:
  std::vector<Node> nodes_;
  std::vector<Output> outputs_;
};

}  // namespace retinaface::graph
