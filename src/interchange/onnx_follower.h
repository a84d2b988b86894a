#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "base/check.h"
#include "base/file.h"
#include "graph/operators.h"
#include "interchange/onnx_network.h"

namespace retinaface::interchange::onnx {

using graph::NodeId;
using graph::Shape;
using Integers = std::vector<std::int64_t>;

/// A number that shapes are computed with; it may be a side of a map.
struct Number {
  std::int64_t value = 0;
  NodeId map = -1;  ///< whose extent it is; -1: of none
  int axis = 0;
};

struct Numbers {
  std::vector<Number> values;
  bool scalar = false;
};

/// A constant of the file, which lives as long as that.
struct Constant {
  Integers shape;
  std::span<const float> values;
};

using Value = std::variant<ArrangedMaps, Numbers, Constant>;

/// How many elements these extents make.
std::int64_t product(std::span<const std::int64_t> extents);

/// Follows one file; see read_network. The members stand by what changes together: the file, its
/// nodes and what they are read by (onnx_network.cc), layers (onnx_layers.cc), operators on single
/// values (onnx_values.cc), arrangements, sizes and the arithmetic of shapes (onnx_sizes.cc).
class Follower {
 public:
  Follower(const OnnxModel& file, const std::string& source) : file_(file), source_(source) {}

  OnnxNetwork run();

 private:
  using Member = void (Follower::*)();

  // Errors.

  template <typename... Args>
  [[noreturn]] void refuse(fmt::format_string<Args...> format, Args&&... args) const {
    const std::string what = fmt::format(format, std::forward<Args>(args)...);
    if (node_ == nullptr) fail(ErrorCode::kUnsupported, "{}: {}", source_, what);
    fail(ErrorCode::kUnsupported, "{}: {} '{}': {}", source_, excerpt(node_->op),
         excerpt(node_->name.empty() ? node_->output : node_->name), what);
  }

  // The file's inputs and constants.

  void add_constant(const std::string& name, const OnnxTensor& tensor);

  void add_input();

  // Nodes.

  void follow(const OnnxNode& node);

  // Attributes and inputs of the node that is followed.

  template <typename T>
  const T* attribute(std::string_view name) const {
    for (const auto& [key, value] : node_->attributes) {
      if (key != name) continue;
      const T* typed = std::get_if<T>(&value);
      if (typed == nullptr) refuse("its attribute '{}' is of another type than expected", name);
      return typed;
    }
    return nullptr;
  }
  std::int64_t integer(std::string_view name, std::int64_t otherwise) const;
  float number(std::string_view name, float otherwise) const;
  std::string word(std::string_view name, std::string_view otherwise) const;
  Integers list(std::string_view name, const Integers& otherwise) const;

  bool has_input(std::size_t i) const;
  const Value& input(std::size_t i) const;
  template <typename T>
  const T* input_if(std::size_t i) const {
    return std::get_if<T>(&input(i));
  }
  template <typename T>
  const T& input_as(std::size_t i, const char* what) const {
    const T* value = input_if<T>(i);
    if (value == nullptr) refuse("its input '{}' must be {}", excerpt(node_->inputs[i]), what);
    return *value;
  }
  const ArrangedMaps& maps(std::size_t i) const;
  /// The one map of input number i, in the graph's own arrangement.
  NodeId map(std::size_t i) const;
  const Constant& constant(std::size_t i) const;
  /// Numbers of an attribute or, in later operator sets, of an input.
  std::optional<Integers> integers(std::string_view name, std::size_t i) const;
  static Integers plain(const Numbers& numbers);
  std::int64_t axis(std::int64_t value, std::size_t rank) const;

  // What it yields.

  void yield(Value value) { values_.insert_or_assign(node_->output, std::move(value)); }
  void yield_map(NodeId map) { yield(ArrangedMaps{Arrangement::kMap, {map}}); }

  Shape shape_of(NodeId map) const { return result_.shapes[static_cast<std::size_t>(map)]; }

  /// The extents of a value where the file is followed.
  Integers extents(const ArrangedMaps& value) const;

  std::string new_name(std::string_view wanted);

  /// Appends a node to the graph. `name` is the node's output where nothing else is said.
  NodeId add(const graph::Operator& op, std::vector<NodeId> inputs, std::string name = {},
             const std::string& shared_with = {});

  void set_parameter(NodeId node, const char* suffix, Integers shape,
                     std::span<const float> values);

  /// Appends `op` behind each of the maps; the arrangement stays.
  void yield_each(const ArrangedMaps& value, const graph::Operator& op);

  // Layers.

  /// A window along both sides alike.
  struct Window {
    std::int64_t kernel = 1;
    std::int64_t stride = 1;
    std::int64_t padding = 0;
  };

  Window window(const Integers& kernel) const;

  NodeId convolve(NodeId map);

  /// The name of the layer whose weight is called `weight`: parameters so keep their names.
  std::string parameter_owner(const std::string& weight);

  void convolution() { yield_map(convolve(map(0))); }

  void fused_convolution();

  /// A product of the whole map with a matrix, (out, in), as the convolution that it is.
  void multiply(const ArrangedMaps& value, std::int64_t out, std::vector<float> weight,
                std::optional<std::vector<float>> bias);

  /// The matrix of input 1, (in, out) or, transposed, (out, in), as (out, in) times `factor`.
  std::pair<std::int64_t, std::vector<float>> matrix(std::int64_t in, bool transposed,
                                                     float factor);

  void gemm();

  void matrix_product();

  void normalization();

  void max_pool();

  void average_pool();

  void global_pool() { yield_map(add(graph::GlobalAveragePool{}, {map(0)})); }

  // Operators on single values.

  void relu();

  void sigmoid() { yield_each(maps(0), graph::Sigmoid{}); }

  void prelu();

  void clip();

  void softmax();

  /// A constant that serves a value of this arrangement, as one number for each of the map's
  /// channels.
  std::vector<float> by_channel(const Constant& found, const ArrangedMaps& value, NodeId map) const;

  /// y = scale x + shift, by channel.
  void yield_affine(const ArrangedMaps& value, auto&& scale_and_shift) {
    ArrangedMaps result = value;
    for (NodeId& map : result.maps) {
      const std::int64_t channels = shape_of(map).c;
      std::vector<float> scale(static_cast<std::size_t>(channels));
      std::vector<float> shift(scale.size());
      scale_and_shift(map, scale, shift);
      map = add(graph::BatchNorm{.epsilon = 0}, {map});
      set_parameter(map, "weight", {channels}, scale);
      set_parameter(map, "bias", {channels}, shift);
      set_parameter(map, "running_mean", {channels}, std::vector<float>(scale.size(), 0.0F));
      set_parameter(map, "running_var", {channels}, std::vector<float>(scale.size(), 1.0F));
    }
    yield(std::move(result));
  }

  void arithmetic();

  void combine_maps(const std::string& op);

  void combine_with_constant(const std::string& op);

  /// Of shapes: integers, or an integer and a float (a factor of a resize) that make one.
  void combine_numbers(const std::string& op);

  // Sizes.

  void resize();
  void pad();
  void grid_sample();

  /// Whether cells come from floor(target * in / out), as UpsampleLike has it.
  void check_nearest(bool early, const Shape& s, std::int64_t h, std::int64_t w) const;

  /// The map to whose size a map is resized (doc/import.md).
  NodeId like(NodeId from, const std::vector<Number>& sizes) const;

  void concat();

  void concat_numbers();

  void flatten();

  void reshape();

  /// The same elements in order, with other extents.
  void rearrange(const ArrangedMaps& value, const Integers& wanted);

  void transpose();

  void squeeze();

  void unsqueeze();

  void slice();

  /// Whether this axis counts the channels, or the values of a row.
  bool is_of_channels(const ArrangedMaps& value, std::int64_t along) const;

  /// Some of the channels, as the 1x1 convolution that picks them.
  void choose_channels(const ArrangedMaps& value, const Integers& chosen);

  // Numbers.

  void shape();

  void gather();

  void same() { yield(input(0)); }

  void constant();

  const OnnxModel& file_;
  const std::string& source_;
  const OnnxNode* node_ = nullptr;  ///< the one that is followed
  std::map<std::string, Value, std::less<>> values_;
  std::map<std::string, NodeId> owners_;  ///< convolutions, by the names of their parameters
  std::set<std::string, std::less<>> names_;
  OnnxNetwork result_;
};

}  // namespace retinaface::interchange::onnx
