#include "interchange/onnx_export.h"

#include <deque>
#include <string>
#include <string_view>
#include <utility>

#include <fmt/format.h>

#include "retinaface/version.h"

#include "base/check.h"
#include "graph/operators.h"
#include "interchange/onnx_model.h"
#include "models/load_model.h"

namespace retinaface::interchange {
namespace {

using Integers = std::vector<std::int64_t>;
using Attributes = std::vector<std::pair<std::string, OnnxAttribute>>;

constexpr std::int64_t kOpset = 16;  // the first with GridSample

/// Writes a graph's nodes as ONNX's. The value that a node yields is called as the node is, what
/// lies in between NODE/something.
class Exporter {
 public:
  explicit Exporter(const models::LoadedModel& model)
      : model_(model), shapes_(graph::channel_shapes(model.graph)) {}

  OnnxModel run() {
    result_.opset = kOpset;
    result_.producer = "retinaface";
    result_.producer_version = version();
    result_.name = model_.model->name;
    result_.metadata = models::metadata(*model_.model);
    for (const graph::ParameterSpec& parameter : graph::parameters(model_.graph)) {
      const graph::Tensor& tensor = model_.weights.at(parameter.name);
      result_.constants.push_back({parameter.name, parameter.shape, float32_values(tensor)});
    }
    for (const graph::Node& node : model_.graph.nodes()) {
      node_ = &node;
      std::visit(*this, node.op);
    }
    for (const models::Head& head : model_.model->detector.heads) write_head(head);
    return std::move(result_);
  }

  void operator()(const graph::Input& input) {
    result_.inputs.push_back({node_->name, {"batch", input.channels, "height", "width"}});
  }

  void operator()(const graph::Convolution& conv) {
    Attributes attributes = window(conv.kernel, conv.stride, conv.padding);
    attributes.emplace_back("group", conv.groups);
    convolve(input(0), node_->parameter("weight"), conv.bias, std::move(attributes));
  }

  /// Each point of the window is read into channels of its own, which a plain convolution weighs:
  /// ONNX has no operator for the whole before set 19. With K points, "places" are the cells of the
  /// result in one row.
  void operator()(const graph::DeformableConvolution& conv) {
    const std::int64_t points = conv.kernel * conv.kernel;
    const std::string xy = add("Concat", {places(conv, kX), places(conv, kY)}, part("xy"),
                               {{"axis", std::int64_t{3}}});  // (N, K, places, 2)
    const std::string read = add("GridSample", {input(0), xy}, part("read"),
                                 {{"mode", "bilinear"},
                                  {"padding_mode", "zeros"},
                                  {"align_corners", std::int64_t{0}}});  // (N, C, K, places)

    const std::string share =
        add("Sigmoid", {slice(part("logit"), input(1), 2 * points, 3 * points, 1)}, part("share"));
    const std::string mask = add("Reshape",
                                 {add("Add", {share, share}, part("mask")),
                                  integers(part("mask_shape"), {0, 1, points, -1})},
                                 part("mask_row"));
    const std::string masked = add("Mul", {read, mask}, part("masked"));

    const std::int64_t columns =
        points * shapes_[static_cast<std::size_t>(node_->inputs[0])].c;  // C K
    const std::string shape =
        add("Concat",
            {extents(part("batch"), input(1), 0, 1), integers(part("channels"), {columns}),
             extents(part("size"), input(1), 2, 4)},
            part("shape"), {{"axis", std::int64_t{0}}});
    const std::string weight = add(
        "Reshape", {node_->parameter("weight"), integers(part("weight_shape"), {0, columns, 1, 1})},
        part("weight"));
    convolve(add("Reshape", {masked, shape}, part("columns")), weight, conv.bias, window(1, 1, 0));
  }

  void operator()(const graph::BatchNorm& norm) {
    add("BatchNormalization",
        {input(0), node_->parameter("weight"), node_->parameter("bias"),
         node_->parameter("running_mean"), node_->parameter("running_var")},
        node_->name, {{"epsilon", norm.epsilon}});
  }

  void operator()(const graph::LeakyRelu& relu) {
    if (relu.slope == 0) {
      add("Relu", {input(0)}, node_->name);
    } else {
      add("LeakyRelu", {input(0)}, node_->name, {{"alpha", relu.slope}});
    }
  }

  void operator()(const graph::Add&) { add("Add", {input(0), input(1)}, node_->name); }

  void operator()(const graph::Concat&) {
    std::vector<std::string> inputs;
    for (std::size_t i = 0; i < node_->inputs.size(); ++i) inputs.push_back(input(i));
    add("Concat", std::move(inputs), node_->name, {{"axis", std::int64_t{1}}});
  }

  void operator()(const graph::UpsampleLike&) {
    const std::string sizes =
        add("Concat",
            {extents(part("channels"), input(0), 0, 2), extents(part("size"), input(1), 2, 4)},
            part("sizes"), {{"axis", std::int64_t{0}}});
    add("Resize", {input(0), "", "", sizes}, node_->name,
        {{"mode", "nearest"},
         {"coordinate_transformation_mode", "asymmetric"},
         {"nearest_mode", "floor"}});
  }

  void operator()(const graph::MaxPool& pool) {
    add("MaxPool", {input(0)}, node_->name, pooling(pool));
  }

  void operator()(const graph::AveragePool& pool) {
    add("AveragePool", {input(0)}, node_->name, pooling(pool));
  }

  void operator()(const graph::GlobalAveragePool&) {
    add("GlobalAveragePool", {input(0)}, node_->name);
  }

  void operator()(const graph::PRelu&) {
    const std::string slope =
        add("Reshape", {node_->parameter("weight"), integers(part("slope_shape"), {-1, 1, 1})},
            part("slope"));
    add("PRelu", {input(0), slope}, node_->name);
  }

  void operator()(const graph::Sigmoid&) { add("Sigmoid", {input(0)}, node_->name); }

  void operator()(const graph::Softmax& softmax) {
    // (N, C, H, W) as (N, C / channels, channels, H W) and back.
    const std::string runs = add(
        "Reshape",
        {input(0),
         integers(part("runs_shape"), {0, channels() / softmax.channels, softmax.channels, -1})},
        part("runs"));
    const std::string shares = add("Softmax", {runs}, part("shares"), {{"axis", std::int64_t{2}}});
    add("Reshape", {shares, add("Shape", {input(0)}, part("shape"))}, node_->name);
  }

  void operator()(const graph::Clip& clip) {
    add("Clip", {input(0), number(part("min"), clip.min), number(part("max"), clip.max)},
        node_->name);
  }

  void operator()(const graph::Arithmetic& op) {
    const auto name = [&] {
      switch (op.kind) {
        case graph::Arithmetic::Kind::kSubtract:
          return "Sub";
        case graph::Arithmetic::Kind::kMultiply:
          return "Mul";
        case graph::Arithmetic::Kind::kDivide:
          return "Div";
      }
      RF_CHECK(false);
    };
    add(name(), {input(0), input(1)}, node_->name);
  }

 private:
  enum Axis : std::int64_t { kY = 2, kX = 3 };

  /// Valid as long as the model and the exporter.
  std::span<const float> float32_values(const graph::Tensor& tensor) {
    if (tensor.type == graph::DataType::kFloat32) return tensor.values();
    return widened_.emplace_back(graph::as_float32(tensor)).values();
  }

  /// Returns the name of what the new node yields.
  std::string add(std::string op, std::vector<std::string> inputs, const std::string& output,
                  Attributes attributes = {}) {
    result_.nodes.push_back(
        {std::move(op), output, std::move(inputs), output, std::move(attributes)});
    return output;
  }

  std::string input(std::size_t i) const { return model_.graph.node(node_->inputs[i]).name; }
  std::string part(std::string_view name) const { return fmt::format("{}/{}", node_->name, name); }

  static Attributes window(std::int64_t kernel, std::int64_t stride, std::int64_t padding) {
    return {{"kernel_shape", Integers{kernel, kernel}},
            {"strides", Integers{stride, stride}},
            {"pads", Integers(4, padding)}};
  }

  template <typename Pool>
  static Attributes pooling(const Pool& pool) {
    Attributes attributes = window(pool.kernel, pool.stride, pool.padding);
    if (pool.round_up) attributes.emplace_back("ceil_mode", std::int64_t{1});
    return attributes;
  }

  /// Of the node's first input.
  std::int64_t channels() const { return shapes_[static_cast<std::size_t>(node_->inputs[0])].c; }

  void convolve(const std::string& map, const std::string& weight, bool bias,
                Attributes attributes) {
    std::vector<std::string> inputs = {map, weight};
    if (bias) inputs.push_back(node_->parameter("bias"));
    add("Conv", std::move(inputs), node_->name, std::move(attributes));
  }

  /// Where a deformable convolution reads along one axis of its map, as GridSample wants it: -1 at
  /// the map's first edge, 1 at its last. (N, K, places, 1)
  std::string places(const graph::DeformableConvolution& conv, Axis axis) {
    const auto name = [&](std::string_view what) {
      return part(fmt::format("{}.{}", axis == kY ? "y" : "x", what));
    };
    // Twice the place of a point's centre, without its offset, is a whole number:
    // 2 (cell stride - padding + place in the window) + 1.
    const std::string count =
        add("Squeeze", {extents(name("extent"), input(1), axis, axis + 1)}, name("count"));
    const std::string cells =
        add("Range", {integer(name("zero"), 0), count, integer(name("one"), 1)}, name("cells"));
    const std::string along =
        add("Reshape",
            {add("Mul", {cells, integer(name("stride"), 2 * conv.stride)}, name("strided")),
             integers(name("shape"), axis == kY ? Integers{1, -1, 1} : Integers{1, 1, -1})},
            name("along"));
    const std::int64_t points = conv.kernel * conv.kernel;
    Integers window;
    for (std::int64_t k = 0; k < points; ++k) {
      window.push_back(2 * ((axis == kY ? k / conv.kernel : k % conv.kernel) - conv.padding) + 1);
    }
    const std::string regular =
        add("Cast",
            {add("Add", {along, integers(name("window"), std::move(window), {points, 1, 1})},
                 name("whole"))},
            name("regular"), {{"to", kOnnxFloat}});

    const std::string offset = slice(name("offset"), input(1), axis == kY ? 0 : 1, 2 * points, 2);
    const std::string doubled =
        add("Add", {add("Add", {offset, offset}, name("twice")), regular}, name("doubled"));
    const std::string side = add("Cast", {extents(name("side"), input(0), axis, axis + 1)},
                                 name("length"), {{"to", kOnnxFloat}});
    static constexpr float kOne = 1;
    result_.constants.push_back({name("unit"), {}, std::span<const float>(&kOne, 1)});
    const std::string scaled =
        add("Sub", {add("Div", {doubled, side}, name("share")), name("unit")}, name("scaled"));
    return add("Reshape", {scaled, integers(name("row_shape"), {0, points, -1, 1})}, name("row"));
  }

  /// Every `step`-th channel of a value from `begin` to before `end`.
  std::string slice(const std::string& name, const std::string& value, std::int64_t begin,
                    std::int64_t end, std::int64_t step) {
    return add("Slice",
               {value, integers(name + ".begin", {begin}), integers(name + ".end", {end}),
                integers(name + ".axis", {1}), integers(name + ".step", {step})},
               name);
  }

  std::string number(const std::string& name, float value) {
    graph::Tensor& tensor = widened_.emplace_back(graph::Tensor::of_shape({}));
    tensor.values()[0] = value;
    result_.constants.push_back({name, {}, std::span<const float>(tensor.values())});
    return name;
  }

  std::string integer(const std::string& name, std::int64_t value) {
    return integers(name, {value}, {});
  }
  std::string integers(const std::string& name, Integers values) {
    const auto count = static_cast<std::int64_t>(values.size());
    return integers(name, std::move(values), {count});
  }
  std::string integers(const std::string& name, Integers values, Integers shape) {
    result_.constants.push_back({name, std::move(shape), std::move(values)});
    return name;
  }

  /// Extents number `begin` to before `end` of a value, as they are when the network runs.
  std::string extents(const std::string& name, const std::string& value, std::int64_t begin,
                      std::int64_t end) {
    return add("Shape", {value}, name, {{"start", begin}, {"end", end}});
  }

  /// The maps of all levels, (N, A * values, H, W), as one list of anchors, (N, anchors, values).
  void write_head(const models::Head& head) {
    const std::int64_t values = head.values;
    const std::string anchors = integers(head.name + "/anchors", {0, -1, values});
    std::vector<std::string> levels;
    for (std::size_t level = 0; level < model_.model->detector.anchors.levels.size(); ++level) {
      const std::string name = models::output_name(head, level);
      const int index = model_.graph.find_output(name);
      RF_CHECK(index >= 0);
      const graph::Output& output = model_.graph.outputs()[static_cast<std::size_t>(index)];
      const std::string rows = add("Transpose", {model_.graph.node(output.node).name},
                                   name + "/rows", {{"perm", Integers{0, 2, 3, 1}}});
      levels.push_back(add("Reshape", {rows, anchors}, name));
    }
    add("Concat", std::move(levels), head.name, {{"axis", std::int64_t{1}}});
    result_.outputs.push_back({head.name, {"batch", "anchors", values}});
  }

  const models::LoadedModel& model_;
  std::vector<graph::Shape> shapes_;
  const graph::Node* node_ = nullptr;  ///< the one that is being written
  std::deque<graph::Tensor> widened_;
  OnnxModel result_;
};

}  // namespace

std::string export_onnx(const models::LoadedModel& model) {
  return serialize(Exporter(model).run());
}

}  // namespace retinaface::interchange
