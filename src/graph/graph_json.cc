#include "graph/graph_json.h"

#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>
#include <set>
#include <type_traits>
#include <utility>

#include "base/check.h"
#include "base/file.h"
#include "graph/operators.h"

namespace retinaface::graph {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::int64_t kMaxWindow = 1024;

// visit(key, member, min, max) for each attribute of an operator: one list for writing and reading.
// An operator without one does not compile.

template <typename Op, typename Visit>
void windowed(Op& op, const Visit& visit) {
  visit("kernel", op.kernel, 1, kMaxWindow);
  visit("stride", op.stride, 1, kMaxWindow);
  visit("padding", op.padding, 0, kMaxWindow);
}

template <typename T, typename Op>
concept Is = std::is_same_v<std::remove_const_t<T>, Op>;

template <Is<Input> Op, typename Visit>
void attributes(Op& op, const Visit& visit) {
  visit("channels", op.channels, 1, kMaxChannels);
}
template <Is<Convolution> Op, typename Visit>
void attributes(Op& op, const Visit& visit) {
  visit("out_channels", op.out_channels, 1, kMaxChannels);
  windowed(op, visit);
  visit("groups", op.groups, 1, kMaxChannels);
  visit("bias", op.bias, 0, 1);
}
template <Is<DeformableConvolution> Op, typename Visit>
void attributes(Op& op, const Visit& visit) {
  visit("out_channels", op.out_channels, 1, kMaxChannels);
  windowed(op, visit);
  visit("bias", op.bias, 0, 1);
}
template <Is<BatchNorm> Op, typename Visit>
void attributes(Op& op, const Visit& visit) {
  visit("epsilon", op.epsilon, 0, 1);
}
template <Is<LeakyRelu> Op, typename Visit>
void attributes(Op& op, const Visit& visit) {
  visit("slope", op.slope, -1e6, 1e6);
}
template <typename Op, typename Visit>
requires Is<Op, MaxPool> || Is<Op, AveragePool>
void attributes(Op& op, const Visit& visit) {
  windowed(op, visit);
  visit("round_up", op.round_up, 0, 1);
}
template <Is<Softmax> Op, typename Visit>
void attributes(Op& op, const Visit& visit) {
  visit("channels", op.channels, 1, kMaxChannels);
}
template <Is<Clip> Op, typename Visit>
void attributes(Op& op, const Visit& visit) {
  constexpr double kAny = std::numeric_limits<float>::max();
  visit("min", op.min, -kAny, kAny);
  visit("max", op.max, -kAny, kAny);
}
template <Is<Pad> Op, typename Visit>
void attributes(Op& op, const Visit& visit) {
  constexpr double kAny = std::numeric_limits<float>::max();
  visit("top", op.top, 0, kMaxWindow);
  visit("left", op.left, 0, kMaxWindow);
  visit("bottom", op.bottom, 0, kMaxWindow);
  visit("right", op.right, 0, kMaxWindow);
  visit("value", op.value, -kAny, kAny);
}
template <Is<GridSample> Op, typename Visit>
void attributes(Op& op, const Visit& visit) {
  visit("nearest", op.nearest, 0, 1);
  visit("border", op.border, 0, 1);
  visit("align_corners", op.align_corners, 0, 1);
}
template <typename Op, typename Visit>
requires Is<Op, Add> || Is<Op, Concat> || Is<Op, UpsampleLike> || Is<Op, GlobalAveragePool> ||
    Is<Op, PRelu> || Is<Op, Sigmoid> || Is<Op, Arithmetic>
void attributes(Op&, const Visit&) {}

/// An operator of each kind, by which names are found. Arithmetic is three.
const std::vector<Operator>& kinds() {
  static const std::vector<Operator> all = [] {
    std::vector<Operator> result;
    [&]<std::size_t... kIndex>(std::index_sequence<kIndex...>) {
      (result.emplace_back(std::variant_alternative_t<kIndex, Operator>{}), ...);
    }
    (std::make_index_sequence<std::variant_size_v<Operator>>());
    result.emplace_back(Arithmetic{Arithmetic::Kind::kSubtract});
    result.emplace_back(Arithmetic{Arithmetic::Kind::kDivide});
    return result;
  }();
  return all;
}

/// LeakyRelu whatever its slope.
std::string_view kind_name(const Operator& op) {
  return std::holds_alternative<LeakyRelu>(op) ? "LeakyRelu" : operator_name(op);
}

/// Reads one graph; see parse_graph.
class Reader {
 public:
  explicit Reader(const std::string& source) : source_(source) {}

  Graph read(const Json& json) {
    const Json& nodes = list(json, "nodes");
    if (nodes.size() > kMaxNodes) {
      fail(ErrorCode::kUnsupported, "{}: graph: expected at most {} nodes, found {}", source_,
           kMaxNodes, nodes.size());
    }
    for (const Json& node : nodes) read_node(node);
    if (names_.empty()) refuse("it has no nodes");
    for (const Json& output : list(json, "outputs")) {
      const std::string name = text(output, "name");
      if (graph_.find_output(name) >= 0) refuse("two outputs are called '{}'", excerpt(name));
      graph_.add_output(name, id(member(output, "node")));
    }
    const std::string problem = size_problem(graph_, {1, input_channels(graph_), 256, 256});
    if (!problem.empty()) refuse("{}", problem);
    for (const Shape& shape : channel_shapes(graph_)) {
      if (shape.c > kMaxChannels)
        refuse("expected at most {} channels, found {}", kMaxChannels, shape.c);
    }
    return std::move(graph_);
  }

 private:
  template <typename... Args>
  [[noreturn]] void refuse(fmt::format_string<Args...> format, Args&&... args) const {
    fail(ErrorCode::kBadData, "{}: graph: {}", source_,
         fmt::format(format, std::forward<Args>(args)...));
  }

  const Json& member(const Json& json, const char* key) const {
    if (!json.is_object() || !json.contains(key)) refuse("expected '{}', found none", key);
    return json[key];
  }
  const Json& list(const Json& json, const char* key) const {
    const Json& result = member(json, key);
    if (!result.is_array()) refuse("'{}': expected a list", key);
    return result;
  }
  std::string text(const Json& json, const char* key) const {
    const Json& value = member(json, key);
    if (!value.is_string()) refuse("'{}': expected a text", key);
    return value.get<std::string>();
  }
  NodeId id(const Json& value) const {
    if (!value.is_number_unsigned() || value.get<std::uint64_t>() >= graph_.nodes().size()) {
      refuse("expected the number of a node before, found {}", excerpt(value.dump()));
    }
    return value.get<NodeId>();
  }

  void read_node(const Json& json) {
    const std::string name = text(json, "name");
    if (!names_.insert(name).second) refuse("two nodes are called '{}'", excerpt(name));
    const std::string kind = text(json, "op");
    const auto found = std::ranges::find(kinds(), kind, kind_name);
    if (found == kinds().end()) {
      fail(ErrorCode::kUnsupported, "{}: graph: node '{}': this build knows no operator '{}'",
           source_, excerpt(name), excerpt(kind));
    }
    Operator op = *found;
    std::visit([&](auto& attributed) { read_attributes(json, attributed); }, op);
    if (std::holds_alternative<Input>(op) != graph_.nodes().empty()) {
      refuse("expected one Input, as the first node");
    }
    std::vector<NodeId> inputs;
    for (const Json& input : list(json, "inputs")) inputs.push_back(id(input));
    if (!json.contains("shared_with")) {
      graph_.add(name, op, std::move(inputs));
      return;
    }
    const std::string shared = text(json, "shared_with");
    const auto owner = std::ranges::find(graph_.nodes(), shared, &Node::name);
    if (owner == graph_.nodes().end() || !owner->shared_with.empty() || owner->op != op ||
        !std::holds_alternative<Convolution>(op)) {
      refuse("node '{}' cannot use the parameters of '{}'", excerpt(name), excerpt(shared));
    }
    graph_.add_sharing(name, op, std::move(inputs), shared);
  }

  template <typename Op>
  void read_attributes(const Json& json, Op& op) const {
    attributes(op, [&](const char* key, auto& value, double min, double max) {
      using T = std::remove_reference_t<decltype(value)>;
      const Json& found = member(json, key);
      const bool right = std::is_same_v<T, bool>           ? found.is_boolean()
                         : std::is_same_v<T, std::int64_t> ? found.is_number_integer()
                                                           : found.is_number();
      if (!right)
        refuse("'{}': expected a {}", key, std::is_same_v<T, bool> ? "boolean" : "number");
      if constexpr (std::is_same_v<T, bool>) {
        value = found.get<bool>();
      } else {
        const double number = found.get<double>();
        if (!(number >= min && number <= max)) {
          refuse("'{}': expected {} to {}, found {}", key, min, max, number);
        }
        value = found.get<T>();
      }
    });
  }

  const std::string& source_;
  Graph graph_;
  std::set<std::string> names_;
};

}  // namespace

std::string to_json(const Graph& graph) {
  Json nodes = Json::array();
  for (const Node& node : graph.nodes()) {
    Json& json = nodes.emplace_back();
    json["name"] = node.name;
    json["op"] = kind_name(node.op);
    std::visit(
        [&](const auto& op) {
          attributes(
              op, [&](const char* key, const auto& value, double, double) { json[key] = value; });
        },
        node.op);
    json["inputs"] = node.inputs;
    if (!node.shared_with.empty()) json["shared_with"] = node.shared_with;
  }
  Json outputs = Json::array();
  for (const Output& output : graph.outputs()) {
    outputs.push_back({{"name", output.name}, {"node", output.node}});
  }
  return Json{{"nodes", nodes}, {"outputs", outputs}}.dump();
}

Graph parse_graph(std::string_view json, const std::string& source) {
  const Json parsed = Json::parse(json, nullptr, /*allow_exceptions=*/false);
  if (parsed.is_discarded()) fail(ErrorCode::kBadData, "{}: graph: is no JSON", source);
  return Reader(source).read(parsed);
}

}  // namespace retinaface::graph
