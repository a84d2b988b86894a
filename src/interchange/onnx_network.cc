#include "interchange/onnx_network.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <numeric>
#include <set>
#include <span>
#include <utility>
#include <variant>

#include "base/check.h"
#include "base/file.h"
#include "graph/graph_json.h"
#include "graph/operators.h"

namespace retinaface::interchange {
namespace {

using graph::NodeId;
using graph::Shape;
using Integers = std::vector<std::int64_t>;

/// Followed where the file leaves the size open: sides that differ and that 64 divides.
constexpr std::int64_t kAnyHeight = 448;
constexpr std::int64_t kAnyWidth = 640;

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

std::int64_t product(std::span<const std::int64_t> extents) {
  return std::accumulate(extents.begin(), extents.end(), std::int64_t{1}, std::multiplies<>());
}

/// A name of the file as one of a graph: text that JSON and one line can hold.
std::string plain_name(std::string_view name) {
  constexpr std::size_t kMaxLength = 120;
  std::string result(name.substr(0, kMaxLength));
  for (char& c : result) {
    if (c <= ' ' || c > '~' || c == '"' || c == '\\') c = '_';
  }
  return result.empty() ? "node" : result;
}

/// Follows one file; see read_network.
class Follower {
 public:
  Follower(const OnnxModel& file, const std::string& source) : file_(file), source_(source) {}

  OnnxNetwork run() {
    constexpr std::int64_t kFirstOpset = 7;
    constexpr std::int64_t kLastOpset = 25;  // later ones may give known operators other meanings
    if (file_.opset < kFirstOpset || file_.opset > kLastOpset) {
      fail(ErrorCode::kUnsupported, "{}: expected ONNX's operator set {} to {}, found {}", source_,
           kFirstOpset, kLastOpset, file_.opset);
    }
    for (const OnnxTensor& constant : file_.constants) add_constant(constant.name, constant);
    add_input();
    for (const OnnxNode& node : file_.nodes) follow(node);
    node_ = nullptr;
    for (const OnnxPort& port : file_.outputs) {
      const auto found = values_.find(port.name);
      if (found == values_.end() || !std::holds_alternative<ArrangedMaps>(found->second)) {
        fail(ErrorCode::kBadData, "{}: expected the output '{}' of a node, found none", source_,
             excerpt(port.name));
      }
      result_.outputs.push_back({port.name, std::get<ArrangedMaps>(found->second)});
    }
    if (result_.outputs.empty()) fail(ErrorCode::kBadData, "{}: has no outputs", source_);
    return std::move(result_);
  }

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

  void add_constant(const std::string& name, const OnnxTensor& tensor) {
    if (const auto* integers = std::get_if<Integers>(&tensor.values)) {
      Numbers numbers{{}, tensor.shape.empty()};
      for (const std::int64_t value : *integers) numbers.values.push_back({value});
      values_.insert_or_assign(name, std::move(numbers));
      return;
    }
    const auto values = std::visit(
        [](const auto& stored) {
          if constexpr (std::is_same_v<std::decay_t<decltype(stored)>, Integers>) {
            return std::span<const float>();
          } else {
            return std::span<const float>(stored);
          }
        },
        tensor.values);
    values_.insert_or_assign(name, Constant{tensor.shape, values});
  }

  void add_input() {
    const OnnxPort* image = nullptr;
    for (const OnnxPort& port : file_.inputs) {
      if (values_.contains(port.name)) continue;  // old files list their constants, too
      if (image != nullptr) refuse("expected one input, found '{}' too", excerpt(port.name));
      image = &port;
    }
    if (image == nullptr) refuse("expected an input, found none");
    const auto extent = [&](std::size_t i, std::int64_t otherwise) {
      const auto* number = std::get_if<std::int64_t>(&image->shape[i]);
      return number == nullptr || *number <= 0 ? otherwise : *number;
    };
    if (image->shape.size() != 4 || extent(0, 1) != 1 || extent(1, 3) != 3) {
      refuse("expected an input of one image, (N, 3, H, W), found {} extents in '{}'",
             image->shape.size(), excerpt(image->name));
    }
    constexpr std::int64_t kMaxSide = 4096;
    Shape shape = {1, 3, extent(2, 0), extent(3, 0)};
    result_.fixed_size = shape.h > 0 && shape.w > 0;
    if (!result_.fixed_size) shape = {1, 3, kAnyHeight, kAnyWidth};
    if (shape.h > kMaxSide || shape.w > kMaxSide) {
      refuse("expected images of at most {0}x{0} pixels, found {1}x{2}", kMaxSide, shape.w,
             shape.h);
    }
    result_.graph.add("image", graph::Input{3}, {});
    names_.insert("image");
    result_.shapes.push_back(shape);
    values_.insert_or_assign(image->name, ArrangedMaps{Arrangement::kMap, {0}});
  }

  // Nodes.

  void follow(const OnnxNode& node) {
    node_ = &node;
    static const std::map<std::string_view, Member> kKnown = {
        {"Conv", &Follower::convolution},
        {"FusedConv", &Follower::fused_convolution},
        {"Gemm", &Follower::gemm},
        {"MatMul", &Follower::matrix_product},
        {"BatchNormalization", &Follower::normalization},
        {"MaxPool", &Follower::max_pool},
        {"AveragePool", &Follower::average_pool},
        {"GlobalAveragePool", &Follower::global_pool},
        {"Relu", &Follower::relu},
        {"LeakyRelu", &Follower::relu},
        {"PRelu", &Follower::prelu},
        {"Sigmoid", &Follower::sigmoid},
        {"Softmax", &Follower::softmax},
        {"Clip", &Follower::clip},
        {"Add", &Follower::arithmetic},
        {"Sub", &Follower::arithmetic},
        {"Mul", &Follower::arithmetic},
        {"Div", &Follower::arithmetic},
        {"Resize", &Follower::resize},
        {"Upsample", &Follower::resize},
        {"Concat", &Follower::concat},
        {"Flatten", &Follower::flatten},
        {"Reshape", &Follower::reshape},
        {"Transpose", &Follower::transpose},
        {"Squeeze", &Follower::squeeze},
        {"Unsqueeze", &Follower::unsqueeze},
        {"Slice", &Follower::slice},
        {"Shape", &Follower::shape},
        {"Gather", &Follower::gather},
        {"Cast", &Follower::same},
        {"Floor", &Follower::same},
        {"Identity", &Follower::same},
        {"Dropout", &Follower::same},
        {"Constant", &Follower::constant},
    };
    const auto found = kKnown.find(node.op);
    const bool own = node.domain.empty() || node.domain == "ai.onnx" ||
                     (node.domain == "com.microsoft" && node.op == "FusedConv");
    if (found == kKnown.end() || !own) {
      std::string names;
      for (const auto& [name, member] : kKnown)
        names += (names.empty() ? "" : ", ") + std::string(name);
      refuse("is not among the operators that are read: {}", names);
    }
    (this->*found->second)();
  }

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
  std::int64_t integer(std::string_view name, std::int64_t otherwise) const {
    const auto* value = attribute<std::int64_t>(name);
    return value == nullptr ? otherwise : *value;
  }
  float number(std::string_view name, float otherwise) const {
    const auto* value = attribute<float>(name);
    return value == nullptr ? otherwise : *value;
  }
  std::string word(std::string_view name, std::string otherwise) const {
    const auto* value = attribute<std::string>(name);
    return value == nullptr ? std::move(otherwise) : *value;
  }
  Integers list(std::string_view name, Integers otherwise) const {
    const auto* value = attribute<Integers>(name);
    return value == nullptr ? std::move(otherwise) : *value;
  }

  bool has_input(std::size_t i) const {
    return i < node_->inputs.size() && !node_->inputs[i].empty();
  }
  const Value& input(std::size_t i) const {
    if (!has_input(i)) refuse("expected an input number {}, found none", i);
    const auto found = values_.find(node_->inputs[i]);
    if (found == values_.end()) {
      refuse("its input '{}' is made by no node before", excerpt(node_->inputs[i]));
    }
    return found->second;
  }
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
  const ArrangedMaps& maps(std::size_t i) const {
    return input_as<ArrangedMaps>(i, "computed from the image");
  }
  /// The one map of input number i, in the graph's own arrangement.
  NodeId map(std::size_t i) const {
    const ArrangedMaps& value = maps(i);
    if (value.arrangement != Arrangement::kMap) {
      refuse("expected a map, (N, C, H, W), as its input '{}'", excerpt(node_->inputs[i]));
    }
    return value.maps[0];
  }
  const Constant& constant(std::size_t i) const {
    return input_as<Constant>(i, "a constant of floats");
  }
  /// Numbers of an attribute or, in later operator sets, of an input.
  std::optional<Integers> integers(std::string_view name, std::size_t i) const {
    if (const auto* found = attribute<Integers>(name)) return *found;
    if (!has_input(i)) return std::nullopt;
    return plain(input_as<Numbers>(i, "integers"));
  }
  static Integers plain(const Numbers& numbers) {
    Integers result;
    for (const Number& number : numbers.values) result.push_back(number.value);
    return result;
  }
  std::int64_t axis(std::int64_t value, std::size_t rank) const {
    const auto extents = static_cast<std::int64_t>(rank);
    if (value < -extents || value >= extents) {
      refuse("the axis {} is none of {} extents", value, rank);
    }
    return value < 0 ? value + extents : value;
  }

  // What it yields.

  void yield(Value value) { values_.insert_or_assign(node_->output, std::move(value)); }
  void yield_map(NodeId map) { yield(ArrangedMaps{Arrangement::kMap, {map}}); }

  Shape shape_of(NodeId map) const { return result_.shapes[static_cast<std::size_t>(map)]; }

  /// The extents of a value where the file is followed.
  Integers extents(const ArrangedMaps& value) const {
    const Shape s = shape_of(value.maps[0]);
    switch (value.arrangement) {
      case Arrangement::kMap:
        return {s.n, s.c, s.h, s.w};
      case Arrangement::kCells:
        return {s.n, s.h, s.w, s.c};
      case Arrangement::kPlanes:
        return {s.n, s.c, s.h * s.w};
      case Arrangement::kVector:
        return {s.n, s.c * s.h * s.w};
      case Arrangement::kRows: {
        std::int64_t rows = 0;
        for (const NodeId map : value.maps) rows += shape_of(map).elements() / value.values;
        return value.has_batch ? Integers{s.n, rows, value.values} : Integers{rows, value.values};
      }
    }
    RF_CHECK(false);
  }

  std::string new_name(std::string_view wanted) {
    const std::string name = plain_name(wanted);
    std::string unique = name;
    for (int i = 2; !names_.insert(unique).second; ++i) unique = fmt::format("{}.{}", name, i);
    return unique;
  }

  /// Appends a node to the graph. `name` is the node's output where nothing else is said.
  NodeId add(const graph::Operator& op, std::vector<NodeId> inputs, std::string name = {},
             const std::string& shared_with = {}) {
    if (result_.graph.nodes().size() >= graph::kMaxNodes) {
      refuse("the network has more than {} layers", graph::kMaxNodes);
    }
    std::vector<Shape> shapes;
    for (const NodeId input : inputs) shapes.push_back(shape_of(input));
    const graph::ShapeResult shape = graph::find_output_shape(op, shapes);
    if (!shape.problem.empty()) refuse("{}", shape.problem);
    constexpr std::int64_t kMaxElements = std::int64_t{1} << 36;
    if (shape.shape.c > graph::kMaxChannels || shape.shape.elements() > kMaxElements) {
      refuse("a map of {} is too large", graph::to_string(shape.shape));
    }
    if (name.empty()) name = new_name(node_->output);
    result_.shapes.push_back(shape.shape);
    return shared_with.empty()
               ? result_.graph.add(std::move(name), op, std::move(inputs))
               : result_.graph.add_sharing(std::move(name), op, std::move(inputs), shared_with);
  }

  void set_parameter(NodeId node, const char* suffix, Integers shape,
                     std::span<const float> values) {
    RF_CHECK(product(shape) == static_cast<std::int64_t>(values.size()));
    graph::Tensor tensor = graph::Tensor::of_shape(std::move(shape));
    std::ranges::copy(values, tensor.values().begin());
    result_.weights.tensors.insert_or_assign(result_.graph.node(node).parameter(suffix),
                                             std::move(tensor));
  }

  /// Appends `op` behind each of the maps; the arrangement stays.
  void yield_each(const ArrangedMaps& value, const graph::Operator& op) {
    ArrangedMaps result = value;
    for (NodeId& map : result.maps) map = add(op, {map});
    yield(std::move(result));
  }

  // Layers.

  /// A window along both sides alike.
  struct Window {
    std::int64_t kernel = 1;
    std::int64_t stride = 1;
    std::int64_t padding = 0;
  };

  Window window(const Integers& kernel) const {
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

  NodeId convolve(NodeId map) {
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

  /// The name of the layer whose weight is called `weight`: parameters so keep their names.
  std::string parameter_owner(const std::string& weight) {
    constexpr std::string_view kSuffix = ".weight";
    if (!weight.ends_with(kSuffix)) return new_name(node_->output);
    return new_name(std::string_view(weight).substr(0, weight.size() - kSuffix.size()));
  }

  void convolution() { yield_map(convolve(map(0))); }

  void fused_convolution() {
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

  /// A product of the whole map with a matrix, (out, in), as the convolution that it is.
  void multiply(const ArrangedMaps& value, std::int64_t out, std::vector<float> weight,
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

  /// The matrix of input 1, (in, out) or, transposed, (out, in), as (out, in) times `factor`.
  std::pair<std::int64_t, std::vector<float>> matrix(std::int64_t in, bool transposed,
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

  void gemm() {
    if (integer("transA", 0) != 0) refuse("a transposed first input is not read");
    const ArrangedMaps& value = maps(0);
    auto [out, weight] =
        matrix(extents(value).back(), integer("transB", 0) != 0, number("alpha", 1));
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

  void matrix_product() {
    const ArrangedMaps& value = maps(0);
    auto [out, weight] = matrix(extents(value).back(), false, 1);
    multiply(value, out, std::move(weight), std::nullopt);
  }

  void normalization() {
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

  void max_pool() {
    const Window w = window(list("kernel_shape", {}));
    if (w.padding >= w.kernel) refuse("a padding of {} for a kernel of {}", w.padding, w.kernel);
    yield_map(
        add(graph::MaxPool{w.kernel, w.stride, w.padding, integer("ceil_mode", 0) != 0}, {map(0)}));
  }

  void average_pool() {
    const Window w = window(list("kernel_shape", {}));
    const bool round_up = integer("ceil_mode", 0) != 0;
    if (w.padding >= w.kernel) refuse("a padding of {} for a kernel of {}", w.padding, w.kernel);
    if (integer("count_include_pad", 0) != 0 && (w.padding > 0 || round_up)) {
      refuse("a mean that counts cells outside of the map is not read");
    }
    yield_map(add(graph::AveragePool{w.kernel, w.stride, w.padding, round_up}, {map(0)}));
  }

  void global_pool() { yield_map(add(graph::GlobalAveragePool{}, {map(0)})); }

  // Operators on single values.

  void relu() {
    const float slope = node_->op == "Relu" ? 0 : number("alpha", 0.01F);
    if (!(std::abs(slope) <= 1e6F)) refuse("a slope of {}", slope);
    yield_each(maps(0), graph::LeakyRelu{slope});
  }

  void sigmoid() { yield_each(maps(0), graph::Sigmoid{}); }

  void prelu() {
    ArrangedMaps result = maps(0);
    for (NodeId& map : result.maps) {
      const std::vector<float> slopes = by_channel(constant(1), result, map);
      map = add(graph::PRelu{}, {map}, parameter_owner(node_->inputs[1]));
      set_parameter(map, "weight", {static_cast<std::int64_t>(slopes.size())}, slopes);
    }
    yield(std::move(result));
  }

  void clip() {
    const auto bound = [&](const char* name, std::size_t i, float otherwise) {
      if (const auto* found = attribute<float>(name)) return *found;
      if (!has_input(i)) return otherwise;
      if (constant(i).values.size() != 1) refuse("expected one number as its {}", name);
      return constant(i).values[0];
    };
    constexpr float kAny = std::numeric_limits<float>::max();
    const float min = std::max(bound("min", 1, -kAny), -kAny);
    const float max = std::min(bound("max", 2, kAny), kAny);
    if (!(min <= max)) refuse("clips to {} to {}", min, max);
    yield_each(maps(0), graph::Clip{min, max});
  }

  void softmax() {
    const ArrangedMaps& value = maps(0);
    const Integers shape = extents(value);
    constexpr std::int64_t kOneAxis = 13;  // before it, all behind the axis was one
    const std::int64_t along =
        axis(integer("axis", file_.opset >= kOneAxis ? -1 : 1), shape.size());
    const bool last = along == static_cast<std::int64_t>(shape.size()) - 1;
    const Shape s = shape_of(value.maps[0]);
    const bool one_cell = s.h == 1 && s.w == 1;
    const bool along_channels = value.arrangement == Arrangement::kMap
                                    ? along == 1 && (file_.opset >= kOneAxis || one_cell)
                                    : last &&
                                          (value.arrangement != Arrangement::kVector || one_cell) &&
                                          value.arrangement != Arrangement::kPlanes;
    if (!along_channels) refuse("expected one along the channels, found axis {}", along);
    yield_each(value, graph::Softmax{value.arrangement == Arrangement::kRows ? value.values : s.c});
  }

  /// A constant that serves a value of this arrangement, as one number for each of the map's
  /// channels.
  std::vector<float> by_channel(const Constant& found, const ArrangedMaps& value,
                                NodeId map) const {
    const Shape s = shape_of(map);
    const auto channels = static_cast<std::size_t>(s.c);
    if (found.values.size() == 1) return std::vector<float>(channels, found.values[0]);
    Integers shape = found.shape;
    const auto trim = [&] {
      if (!shape.empty()) shape.erase(shape.begin());
    };
    while (!shape.empty() && shape.front() == 1 && shape.size() > 1) trim();
    std::int64_t run = 0;  // of the values, over the channels
    switch (value.arrangement) {
      case Arrangement::kMap:
        if (shape == Integers{s.c, 1, 1}) run = s.c;
        break;
      case Arrangement::kPlanes:
        if (shape == Integers{s.c, 1}) run = s.c;
        break;
      case Arrangement::kCells:
        if (shape == Integers{s.c}) run = s.c;
        break;
      case Arrangement::kRows:
        if (shape == Integers{value.values}) run = value.values;
        break;
      case Arrangement::kVector:
        if (shape == Integers{s.c} && s.h == 1 && s.w == 1) run = s.c;
        break;
    }
    if (run == 0) {
      refuse("a constant of shape {} is neither one number nor one for each channel of {}",
             graph::to_string(found.shape), graph::to_string(extents(value)));
    }
    std::vector<float> result(channels);
    for (std::size_t c = 0; c < channels; ++c) {
      result[c] = found.values[c % static_cast<std::size_t>(run)];
    }
    return result;
  }

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

  void arithmetic() {
    const std::string& op = node_->op;
    if (input_if<ArrangedMaps>(0) != nullptr && input_if<ArrangedMaps>(1) != nullptr) {
      combine_maps(op);
    } else if (input_if<ArrangedMaps>(0) != nullptr || input_if<ArrangedMaps>(1) != nullptr) {
      combine_with_constant(op);
    } else {
      combine_numbers(op);
    }
  }

  void combine_maps(const std::string& op) {
    const ArrangedMaps& a = maps(0);
    const ArrangedMaps& b = maps(1);
    if (a.arrangement != b.arrangement || a.maps.size() != b.maps.size() || a.values != b.values) {
      refuse("expected two values alike, found {} and {}", graph::to_string(extents(a)),
             graph::to_string(extents(b)));
    }
    ArrangedMaps result = a;
    for (std::size_t i = 0; i < a.maps.size(); ++i) {
      NodeId first = a.maps[i];
      NodeId second = b.maps[i];
      if (op == "Add") {
        result.maps[i] = add(graph::Add{}, {first, second});
        continue;
      }
      if (op == "Mul" && shape_of(first).elements() < shape_of(second).elements()) {
        std::swap(first, second);
      }
      using Kind = graph::Arithmetic::Kind;
      const Kind kind = op == "Sub"   ? Kind::kSubtract
                        : op == "Mul" ? Kind::kMultiply
                                      : Kind::kDivide;
      result.maps[i] = add(graph::Arithmetic{kind}, {first, second});
    }
    yield(std::move(result));
  }

  void combine_with_constant(const std::string& op) {
    const bool first = input_if<ArrangedMaps>(0) != nullptr;
    const ArrangedMaps& value = maps(first ? 0 : 1);
    const Constant& found = constant(first ? 1 : 0);
    if (op == "Div" && !first) refuse("a constant over a map is not read");
    yield_affine(value, [&](NodeId map, std::vector<float>& scale, std::vector<float>& shift) {
      const std::vector<float> constants = by_channel(found, value, map);
      for (std::size_t c = 0; c < scale.size(); ++c) {
        scale[c] = op == "Mul" ? constants[c] : op == "Div" ? 1 / constants[c] : 1.0F;
        shift[c] = op == "Add" ? constants[c] : op == "Sub" ? -constants[c] : 0.0F;
        if (op == "Sub" && !first) {
          scale[c] = -1;
          shift[c] = constants[c];
        }
      }
    });
  }

  /// Of shapes: integers, or an integer and a float (a factor of a resize) that make one.
  void combine_numbers(const std::string& op) {
    const auto values = [&](std::size_t i) {
      std::vector<double> result;
      if (const auto* numbers = input_if<Numbers>(i)) {
        for (const Number& number : numbers->values) {
          result.push_back(static_cast<double>(number.value));
        }
      } else {
        for (const float value : constant(i).values) result.push_back(double{value});
      }
      return result;
    };
    const std::vector<double> a = values(0);
    const std::vector<double> b = values(1);
    const std::size_t count = std::max(a.size(), b.size());
    if ((a.size() != 1 && a.size() != count) || (b.size() != 1 && b.size() != count)) {
      refuse("expected as many numbers on both sides, found {} and {}", a.size(), b.size());
    }
    const auto scalar = [&](std::size_t i) {
      const auto* numbers = input_if<Numbers>(i);
      return numbers != nullptr ? numbers->scalar : constant(i).shape.empty();
    };
    Numbers result{{}, scalar(0) && scalar(1)};
    for (std::size_t i = 0; i < count; ++i) {
      const double x = a[a.size() == 1 ? 0 : i];
      const double y = b[b.size() == 1 ? 0 : i];
      if (op == "Div" && y == 0) refuse("a division by 0");
      const double z = op == "Add" ? x + y : op == "Sub" ? x - y : op == "Mul" ? x * y : x / y;
      const bool integers = input_if<Numbers>(0) != nullptr && input_if<Numbers>(1) != nullptr;
      if (!(std::abs(z) < 1e15)) refuse("a number of {}", z);
      result.values.push_back(
          {static_cast<std::int64_t>(integers ? std::trunc(z) : std::floor(z))});
    }
    yield(std::move(result));
  }

  // Sizes.

  void resize() {
    const NodeId from = map(0);
    const Shape s = shape_of(from);
    if (word("mode", "nearest") != "nearest") {
      refuse("expected the mode 'nearest', found '{}'", excerpt(word("mode", "nearest")));
    }
    const bool early = node_->op == "Upsample" || file_.opset < 11;
    const std::size_t scales_at = early ? 1 : 2;
    std::vector<Number> sizes;
    if (!early && has_input(3)) {
      sizes = input_as<Numbers>(3, "integers").values;
    } else {
      std::vector<float> scales;
      if (const auto* found = attribute<std::vector<float>>("scales")) {
        scales = *found;
      } else {
        const Constant& input_scales = constant(scales_at);
        scales.assign(input_scales.values.begin(), input_scales.values.end());
      }
      if (scales.size() == 4) {
        const Integers shape = {s.n, s.c, s.h, s.w};
        for (std::size_t i = 0; i < 4; ++i) {
          const double size = std::floor(static_cast<double>(shape[i]) * double{scales[i]});
          if (!(size >= 1 && size < 1e6)) refuse("a scale of {}", scales[i]);
          sizes.push_back({static_cast<std::int64_t>(size)});
        }
      }
    }
    if (sizes.size() != 4 || sizes[0].value != s.n || sizes[1].value != s.c) {
      refuse("expected a resize of height and width alone");
    }
    const std::int64_t h = sizes[2].value;
    const std::int64_t w = sizes[3].value;
    if (h < 1 || w < 1) refuse("a resize to {}x{}", h, w);
    if (h == s.h && w == s.w) return yield_map(from);
    check_nearest(early, s, h, w);
    yield_map(add(graph::UpsampleLike{}, {from, like(from, sizes)}));
  }

  /// Whether cells come from floor(target * in / out), as UpsampleLike has it.
  void check_nearest(bool early, const Shape& s, std::int64_t h, std::int64_t w) const {
    if (early) return;  // always so
    const std::string place = word("coordinate_transformation_mode", "half_pixel");
    const std::string rounding = word("nearest_mode", "round_prefer_floor");
    if (place == "asymmetric" && rounding == "floor") return;
    const bool whole = h % s.h == 0 && w % s.w == 0;
    const bool centered = place == "half_pixel" || place == "pytorch_half_pixel";
    if (whole && centered &&
        (rounding == "round_prefer_floor" || rounding == "round_prefer_ceil")) {
      return;
    }
    if (h == 2 * s.h && w == 2 * s.w && place == "asymmetric" && rounding == "round_prefer_floor") {
      return;
    }
    refuse("a resize by '{}' and '{}' to {}x{} is not read", excerpt(place), excerpt(rounding), w,
           h);
  }

  /// The map to whose size a map is resized (doc/import.md).
  NodeId like(NodeId from, const std::vector<Number>& sizes) const {
    const std::int64_t h = sizes[2].value;
    const std::int64_t w = sizes[3].value;
    const auto has_size = [&](NodeId map) { return shape_of(map).h == h && shape_of(map).w == w; };
    if (sizes[2].map >= 0 && sizes[2].map != from && sizes[2].map == sizes[3].map &&
        sizes[2].axis == 2 && sizes[3].axis == 3 && has_size(sizes[2].map)) {
      return sizes[2].map;
    }
    for (const OnnxNode& reader : file_.nodes) {
      const bool joins =
          reader.op == "Add" || reader.op == "Concat" || reader.op == "Mul" || reader.op == "Sub";
      if (!joins || std::ranges::count(reader.inputs, node_->output) == 0) continue;
      for (const std::string& other : reader.inputs) {
        const auto value = values_.find(other);
        if (other == node_->output || value == values_.end()) continue;
        const auto* maps = std::get_if<ArrangedMaps>(&value->second);
        if (maps != nullptr && maps->arrangement == Arrangement::kMap && has_size(maps->maps[0])) {
          return maps->maps[0];
        }
      }
    }
    for (auto id = static_cast<NodeId>(result_.shapes.size()); id-- > 0;) {
      if (has_size(id)) return id;
    }
    refuse("a resize to {}x{}, which no map before has", w, h);
  }

  void concat() {
    if (input_if<Numbers>(0) != nullptr) return concat_numbers();
    const ArrangedMaps& first = maps(0);
    const std::size_t rank = extents(first).size();
    const std::int64_t along = axis(integer("axis", 1), rank);
    ArrangedMaps result = first;
    for (std::size_t i = 1; i < node_->inputs.size(); ++i) {
      const ArrangedMaps& other = maps(i);
      if (other.arrangement != first.arrangement || other.values != first.values ||
          other.has_batch != first.has_batch) {
        refuse("expected values alike, found {} and {}", graph::to_string(extents(first)),
               graph::to_string(extents(other)));
      }
      result.maps.insert(result.maps.end(), other.maps.begin(), other.maps.end());
    }
    if (first.arrangement == Arrangement::kRows && along == static_cast<std::int64_t>(rank) - 2) {
      return yield(std::move(result));
    }
    const bool one_cell = std::ranges::all_of(
        result.maps, [&](NodeId map) { return shape_of(map).h == 1 && shape_of(map).w == 1; });
    const bool channels = (first.arrangement == Arrangement::kMap && along == 1) ||
                          (first.arrangement == Arrangement::kPlanes && along == 1) ||
                          (first.arrangement == Arrangement::kCells && along == 3) ||
                          (first.arrangement == Arrangement::kVector && along == 1 && one_cell);
    if (!channels) {
      refuse("cannot put values of {} beside each other along axis {}",
             graph::to_string(extents(first)), along);
    }
    result.maps = {add(graph::Concat{}, result.maps)};
    yield(std::move(result));
  }

  void concat_numbers() {
    Numbers result;
    for (std::size_t i = 0; i < node_->inputs.size(); ++i) {
      const Numbers& part = input_as<Numbers>(i, "integers");
      result.values.insert(result.values.end(), part.values.begin(), part.values.end());
      constexpr std::size_t kMaxNumbers = 64;
      if (result.values.size() > kMaxNumbers) refuse("more than {} numbers", kMaxNumbers);
    }
    yield(std::move(result));
  }

  void flatten() {
    const ArrangedMaps& value = maps(0);
    const Integers shape = extents(value);
    if (axis(integer("axis", 1), shape.size()) != 1) refuse("expected the axis 1");
    rearrange(value, {shape[0], product(std::span(shape).subspan(1))});
  }

  void reshape() {
    const Numbers& target = input_as<Numbers>(1, "integers");
    if (const auto* numbers = input_if<Numbers>(0)) {
      yield(Numbers{numbers->values, target.values.empty()});
      return;
    }
    const ArrangedMaps& value = maps(0);
    const Integers shape = extents(value);
    Integers wanted = plain(target);
    const std::int64_t elements = product(shape);
    std::int64_t known = 1;
    std::optional<std::size_t> open;
    for (std::size_t i = 0; i < wanted.size(); ++i) {
      if (wanted[i] == 0 && integer("allowzero", 0) == 0 && i < shape.size()) wanted[i] = shape[i];
      if (wanted[i] == -1 && !open) {
        open = i;
      } else if (wanted[i] < 1 || wanted[i] > elements / known) {
        refuse("a shape of {} for {}", graph::to_string(plain(target)), graph::to_string(shape));
      } else {
        known *= wanted[i];
      }
    }
    if (open) wanted[*open] = elements / known;
    if (product(wanted) != elements) {
      refuse("a shape of {} for {}", graph::to_string(plain(target)), graph::to_string(shape));
    }
    rearrange(value, wanted);
  }

  /// The same elements in order, with other extents.
  void rearrange(const ArrangedMaps& value, const Integers& wanted) {
    const Integers shape = extents(value);
    if (wanted == shape) return yield(value);
    const Shape s = shape_of(value.maps[0]);
    ArrangedMaps result = value;
    const bool one_cell = value.maps.size() == 1 && s.h == 1 && s.w == 1;
    const auto is = [&](Arrangement arrangement) { return value.arrangement == arrangement; };
    if (wanted == Integers{1, s.c * s.h * s.w} &&
        (is(Arrangement::kMap) || is(Arrangement::kPlanes) || one_cell)) {
      result = {Arrangement::kVector, value.maps};
      return yield(std::move(result));
    }
    if ((one_cell || is(Arrangement::kVector) || is(Arrangement::kPlanes)) &&
        wanted == Integers{1, s.c, s.h, s.w}) {
      result = {Arrangement::kMap, value.maps};
      return yield(std::move(result));
    }
    if (is(Arrangement::kMap) && wanted == Integers{1, s.c, s.h * s.w}) {
      result.arrangement = Arrangement::kPlanes;
      return yield(std::move(result));
    }
    const bool batch = wanted.size() == 3 && wanted[0] == 1;
    if ((batch || wanted.size() == 2) && (is(Arrangement::kCells) || is(Arrangement::kRows))) {
      const std::int64_t values = wanted.back();
      if (is(Arrangement::kCells) ? s.c % values == 0 : values == value.values) {
        result.arrangement = Arrangement::kRows;
        result.values = values;
        result.has_batch = batch;
        return yield(std::move(result));
      }
    }
    refuse("cannot arrange {} as {}", graph::to_string(shape), graph::to_string(wanted));
  }

  void transpose() {
    const ArrangedMaps& value = maps(0);
    const std::size_t rank = extents(value).size();
    Integers order = list("perm", {});
    if (order.empty()) {
      for (std::size_t i = rank; i-- > 0;) order.push_back(static_cast<std::int64_t>(i));
    }
    ArrangedMaps result = value;
    const Shape s = shape_of(value.maps[0]);
    if (value.arrangement == Arrangement::kMap && order == Integers{0, 2, 3, 1}) {
      result.arrangement = Arrangement::kCells;
    } else if (value.arrangement == Arrangement::kCells && order == Integers{0, 3, 1, 2}) {
      result.arrangement = Arrangement::kMap;
    } else if (value.arrangement == Arrangement::kPlanes && order == Integers{0, 2, 1}) {
      result.arrangement = Arrangement::kRows;
      result.values = s.c;
    } else if (!std::ranges::is_sorted(order) || order.size() != rank) {
      refuse("cannot reorder {} by {}", graph::to_string(extents(value)), graph::to_string(order));
    }
    yield(std::move(result));
  }

  void squeeze() {
    const std::optional<Integers> axes = integers("axes", 1);
    if (const auto* numbers = input_if<Numbers>(0)) {
      return yield(Numbers{numbers->values, numbers->values.size() == 1});
    }
    const ArrangedMaps& value = maps(0);
    const Integers shape = extents(value);
    std::set<std::int64_t> dropped;
    for (const std::int64_t found : axes.value_or(Integers())) {
      dropped.insert(axis(found, shape.size()));
    }
    Integers wanted;
    for (std::size_t i = 0; i < shape.size(); ++i) {
      const bool drop = axes ? dropped.contains(static_cast<std::int64_t>(i)) : shape[i] == 1;
      if (drop && shape[i] != 1) refuse("the axis {} has {} elements", i, shape[i]);
      if (!drop) wanted.push_back(shape[i]);
    }
    rearrange(value, wanted);
  }

  void unsqueeze() {
    const Integers axes = integers("axes", 1).value_or(Integers());
    if (const auto* numbers = input_if<Numbers>(0)) {
      return yield(Numbers{numbers->values, false});
    }
    const ArrangedMaps& value = maps(0);
    Integers wanted = extents(value);
    const std::size_t rank = wanted.size() + axes.size();
    std::set<std::int64_t> added;
    for (const std::int64_t found : axes) added.insert(axis(found, rank));
    if (added.size() != axes.size()) refuse("expected axes that differ");
    for (const std::int64_t at : added) wanted.insert(wanted.begin() + at, 1);
    rearrange(value, wanted);
  }

  void slice() {
    const std::optional<Integers> starts = integers("starts", 1);
    const std::optional<Integers> ends = integers("ends", 2);
    const std::optional<Integers> steps = integers("steps", 4);
    const bool single = starts && ends && starts->size() == 1 && ends->size() == 1;
    if (!single) refuse("expected a slice along one axis");
    const Integers axes = integers("axes", 3).value_or(Integers{0});
    const std::int64_t step = steps && !steps->empty() ? (*steps)[0] : 1;
    if (step < 1 || axes.size() != 1) refuse("expected one axis and a step of at least 1");
    const auto* numbers = input_if<Numbers>(0);
    const Integers shape = numbers != nullptr
                               ? Integers{static_cast<std::int64_t>(numbers->values.size())}
                               : extents(maps(0));
    const std::int64_t along = axis(axes[0], shape.size());
    const std::int64_t extent = shape[static_cast<std::size_t>(along)];
    const auto place = [&](std::int64_t value) {
      return std::clamp<std::int64_t>(value < 0 ? std::max(value, -extent) + extent : value, 0,
                                      extent);
    };
    Integers chosen;
    const std::int64_t end = place((*ends)[0]);
    for (std::int64_t i = place((*starts)[0]); i < end; i += step) {
      chosen.push_back(i);
      if (end - i <= step) break;
    }
    if (chosen.empty()) refuse("an empty slice");
    if (numbers != nullptr) {
      Numbers result;
      for (const std::int64_t i : chosen) {
        result.values.push_back(numbers->values[static_cast<std::size_t>(i)]);
      }
      return yield(std::move(result));
    }
    if (static_cast<std::int64_t>(chosen.size()) == extent) return yield(maps(0));
    choose_channels(maps(0), along, chosen);
  }

  /// Some of the channels, as the 1x1 convolution that picks them.
  void choose_channels(const ArrangedMaps& value, std::int64_t along, const Integers& chosen) {
    const std::size_t rank = extents(value).size();
    const bool last = along == static_cast<std::int64_t>(rank) - 1;
    const bool channels =
        value.arrangement == Arrangement::kMap ? along == 1
        : value.arrangement == Arrangement::kCells || value.arrangement == Arrangement::kRows
            ? last
            : false;
    if (!channels) refuse("expected a slice of channels, found axis {}", along);
    ArrangedMaps result = value;
    const bool rows = value.arrangement == Arrangement::kRows;
    for (NodeId& map : result.maps) {
      const std::int64_t in = shape_of(map).c;
      const std::int64_t run = rows ? value.values : in;
      Integers picked;
      for (std::int64_t first = 0; first < in; first += run) {
        for (const std::int64_t c : chosen) picked.push_back(first + c);
      }
      const auto out = static_cast<std::int64_t>(picked.size());
      std::vector<float> weight(static_cast<std::size_t>(out * in), 0.0F);
      for (std::int64_t o = 0; o < out; ++o) {
        weight[static_cast<std::size_t>(o * in + picked[static_cast<std::size_t>(o)])] = 1;
      }
      map = add(graph::Convolution{.out_channels = out}, {map});
      set_parameter(map, "weight", {out, in, 1, 1}, weight);
    }
    if (rows) result.values = static_cast<std::int64_t>(chosen.size());
    yield(std::move(result));
  }

  // Numbers.

  void shape() {
    const ArrangedMaps& value = maps(0);
    const Integers extent = extents(value);
    Numbers result;
    const auto rank = static_cast<std::int64_t>(extent.size());
    const auto place = [&](std::int64_t i) {
      return std::clamp<std::int64_t>(i < 0 ? std::max(i, -rank) + rank : i, 0, rank);
    };
    const std::int64_t end = place(integer("end", rank));
    for (std::int64_t i = place(integer("start", 0)); i < end; ++i) {
      Number number{extent[static_cast<std::size_t>(i)]};
      if (value.arrangement == Arrangement::kMap) {
        number.map = value.maps[0];
        number.axis = static_cast<int>(i);
      }
      result.values.push_back(number);
    }
    yield(std::move(result));
  }

  void gather() {
    const Numbers& from = input_as<Numbers>(0, "what Shape yields");
    const Numbers& places = input_as<Numbers>(1, "integers");
    if (integer("axis", 0) != 0) refuse("expected the axis 0");
    Numbers result{{}, places.scalar};
    for (const Number& place : places.values) {
      const std::int64_t i = axis(place.value, from.values.size());
      result.values.push_back(from.values[static_cast<std::size_t>(i)]);
    }
    yield(std::move(result));
  }

  void same() { yield(input(0)); }

  void constant() {
    if (const auto* tensor = attribute<OnnxTensor>("value")) {
      return add_constant(node_->output, *tensor);
    }
    if (const auto* values = attribute<Integers>("value_ints")) {
      Numbers numbers;
      for (const std::int64_t value : *values) numbers.values.push_back({value});
      return yield(std::move(numbers));
    }
    if (const auto* value = attribute<std::int64_t>("value_int")) {
      return yield(Numbers{{{*value}}, true});
    }
    if (const auto* values = attribute<std::vector<float>>("value_floats")) {
      return yield(Constant{{static_cast<std::int64_t>(values->size())}, *values});
    }
    if (const auto* value = attribute<float>("value_float")) {
      return yield(Constant{{}, {value, 1}});
    }
    refuse("expected a value of floats or integers");
  }

  const OnnxModel& file_;
  const std::string& source_;
  const OnnxNode* node_ = nullptr;  ///< the one that is followed
  std::map<std::string, Value, std::less<>> values_;
  std::map<std::string, NodeId> owners_;  ///< convolutions, by the names of their parameters
  std::set<std::string, std::less<>> names_;
  OnnxNetwork result_;
};

}  // namespace

OnnxNetwork read_network(const OnnxModel& file, const std::string& source) {
  return Follower(file, source).run();
}

}  // namespace retinaface::interchange
