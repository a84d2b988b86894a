#include <functional>
#include <numeric>

#include "base/check.h"
#include "base/file.h"
#include "graph/graph_json.h"
#include "graph/operators.h"
#include "interchange/onnx_follower.h"

namespace retinaface::interchange::onnx {
namespace {

/// Followed where the file leaves the size open: sides that differ and that 64 divides.
constexpr std::int64_t kAnyHeight = 448;
constexpr std::int64_t kAnyWidth = 640;

/// A name of the file as one of a graph: text that JSON and one line can hold.
std::string plain_name(std::string_view name) {
  constexpr std::size_t kMaxLength = 120;
  std::string result(name.substr(0, kMaxLength));
  for (char& c : result) {
    if (c <= ' ' || c > '~' || c == '"' || c == '\\') c = '_';
  }
  return result.empty() ? "node" : result;
}

}  // namespace

std::int64_t product(std::span<const std::int64_t> extents) {
  return std::accumulate(extents.begin(), extents.end(), std::int64_t{1}, std::multiplies<>());
}

OnnxNetwork Follower::run() {
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

void Follower::add_constant(const std::string& name, const OnnxTensor& tensor) {
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

void Follower::add_input() {
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
    refuse("expected images of at most {0}x{0} pixels, found {1}x{2}", kMaxSide, shape.w, shape.h);
  }
  result_.graph.add("image", graph::Input{3}, {});
  names_.insert("image");
  result_.shapes.push_back(shape);
  values_.insert_or_assign(image->name, ArrangedMaps{Arrangement::kMap, {0}});
}

void Follower::follow(const OnnxNode& node) {
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
      {"Pad", &Follower::pad},
      {"GridSample", &Follower::grid_sample},
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

std::int64_t Follower::integer(std::string_view name, std::int64_t otherwise) const {
  const auto* value = attribute<std::int64_t>(name);
  return value == nullptr ? otherwise : *value;
}

float Follower::number(std::string_view name, float otherwise) const {
  const auto* value = attribute<float>(name);
  return value == nullptr ? otherwise : *value;
}

std::string Follower::word(std::string_view name, std::string_view otherwise) const {
  const auto* value = attribute<std::string>(name);
  return std::string(value == nullptr ? otherwise : *value);
}

Integers Follower::list(std::string_view name, const Integers& otherwise) const {
  const auto* value = attribute<Integers>(name);
  return value == nullptr ? otherwise : *value;
}

bool Follower::has_input(std::size_t i) const {
  return i < node_->inputs.size() && !node_->inputs[i].empty();
}

const Value& Follower::input(std::size_t i) const {
  if (!has_input(i)) refuse("expected an input number {}, found none", i);
  const auto found = values_.find(node_->inputs[i]);
  if (found == values_.end()) {
    refuse("its input '{}' is made by no node before", excerpt(node_->inputs[i]));
  }
  return found->second;
}

const ArrangedMaps& Follower::maps(std::size_t i) const {
  return input_as<ArrangedMaps>(i, "computed from the image");
}

NodeId Follower::map(std::size_t i) const {
  const ArrangedMaps& value = maps(i);
  if (value.arrangement != Arrangement::kMap) {
    refuse("expected a map, (N, C, H, W), as its input '{}'", excerpt(node_->inputs[i]));
  }
  return value.maps[0];
}

const Constant& Follower::constant(std::size_t i) const {
  return input_as<Constant>(i, "a constant of floats");
}

std::optional<Integers> Follower::integers(std::string_view name, std::size_t i) const {
  if (const auto* found = attribute<Integers>(name)) return *found;
  if (!has_input(i)) return std::nullopt;
  return plain(input_as<Numbers>(i, "integers"));
}

Integers Follower::plain(const Numbers& numbers) {
  Integers result;
  for (const Number& number : numbers.values) result.push_back(number.value);
  return result;
}

std::int64_t Follower::axis(std::int64_t value, std::size_t rank) const {
  const auto extents = static_cast<std::int64_t>(rank);
  if (value < -extents || value >= extents) {
    refuse("the axis {} is none of {} extents", value, rank);
  }
  return value < 0 ? value + extents : value;
}

Integers Follower::extents(const ArrangedMaps& value) const {
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

std::string Follower::new_name(std::string_view wanted) {
  const std::string name = plain_name(wanted);
  std::string unique = name;
  for (int i = 2; !names_.insert(unique).second; ++i) unique = fmt::format("{}.{}", name, i);
  return unique;
}

NodeId Follower::add(const graph::Operator& op, std::vector<NodeId> inputs, std::string name,
                     const std::string& shared_with) {
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

void Follower::set_parameter(NodeId node, const char* suffix, Integers shape,
                             std::span<const float> values) {
  RF_CHECK(product(shape) == static_cast<std::int64_t>(values.size()));
  graph::Tensor tensor = graph::Tensor::of_shape(std::move(shape));
  std::ranges::copy(values, tensor.values().begin());
  result_.weights.tensors.insert_or_assign(result_.graph.node(node).parameter(suffix),
                                           std::move(tensor));
}

void Follower::yield_each(const ArrangedMaps& value, const graph::Operator& op) {
  ArrangedMaps result = value;
  for (NodeId& map : result.maps) map = add(op, {map});
  yield(std::move(result));
}

}  // namespace retinaface::interchange::onnx

namespace retinaface::interchange {

OnnxNetwork read_network(const OnnxModel& file, const std::string& source) {
  return onnx::Follower(file, source).run();
}

}  // namespace retinaface::interchange
