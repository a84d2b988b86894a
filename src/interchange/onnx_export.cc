#include "interchange/onnx_export.h"

#include <array>
#include <deque>
#include <string>
#include <string_view>
#include <utility>

#include <fmt/format.h>

#include "retinaface/version.h"

#include "base/check.h"
#include "base/file.h"
#include "detection/anchors.h"
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
  Exporter(const models::LoadedModel& model, const OnnxExportOptions& options)
      : model_(model),
        options_(options),
        shapes_(options.input
                    ? graph::infer_shapes(model.graph,
                                          {options.input->batch, graph::input_channels(model.graph),
                                           options.input->height, options.input->width})
                    : graph::channel_shapes(model.graph)) {
    RF_CHECK(options.input || !options.faces);
  }

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
    for (const models::Head& head : model_.model->detector().heads) write_head(head);
    if (options_.faces) {
      write_faces();
    } else {
      for (const models::Head& head : model_.model->detector().heads) {
        result_.outputs.push_back(
            {head.name, {batch(), extent("anchors", anchors()), head.values}});
      }
    }
    return std::move(result_);
  }

  void operator()(const graph::Input& input) {
    const graph::Shape& shape = shapes_.front();
    result_.inputs.push_back(
        {node_->name,
         {batch(), input.channels, extent("height", shape.h), extent("width", shape.w)}});
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
        join(part("shape"), {extents(part("batch"), 1, 0, 1), Extents{part("channels"), {columns}},
                             extents(part("size"), 1, 2, 4)});
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
        join(part("sizes"), {extents(part("channels"), 0, 0, 2), extents(part("size"), 1, 2, 4)});
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

  void operator()(const graph::Pad& pad) {
    add("Pad",
        {input(0), integers(part("pads"), {0, 0, pad.top, pad.left, 0, 0, pad.bottom, pad.right}),
         number(part("value"), pad.value)},
        node_->name, {{"mode", "constant"}});
  }

  void operator()(const graph::GridSample& op) {
    const std::string grid =
        add("Transpose", {input(1)}, part("grid"), {{"perm", Integers{0, 2, 3, 1}}});
    add("GridSample", {input(0), grid}, node_->name,
        {{"mode", op.nearest ? "nearest" : "bilinear"},
         {"padding_mode", op.border ? "border" : "zeros"},
         {"align_corners", std::int64_t{op.align_corners ? 1 : 0}}});
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
  enum Axis : std::uint8_t { kY = 2, kX = 3 };

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
    const std::int64_t points = conv.kernel * conv.kernel;
    const auto name = [&](std::string_view what) { return place_part(axis, what); };
    const std::string offset = slice(name("offset"), input(1), axis == kY ? 0 : 1, 2 * points, 2);
    const std::string doubled =
        add("Add", {add("Add", {offset, offset}, name("twice")), regular_places(conv, axis)},
            name("doubled"));
    const std::string scaled = add(
        "Sub", {add("Div", {doubled, side(axis)}, name("share")), floats(name("unit"), {1}, {})},
        name("scaled"));
    return add("Reshape", {scaled, integers(name("row_shape"), {0, points, -1, 1})}, name("row"));
  }

  std::string place_part(Axis axis, std::string_view what) const {
    return part(fmt::format("{}.{}", axis == kY ? "y" : "x", what));
  }

  /// Twice the places of the points' centres without their offsets, whole numbers:
  /// 2 (cell stride - padding + place in the window) + 1. (K, H, 1) along y, (K, 1, W) along x
  std::string regular_places(const graph::DeformableConvolution& conv, Axis axis) {
    const auto name = [&](std::string_view what) { return place_part(axis, what); };
    const std::int64_t points = conv.kernel * conv.kernel;
    Integers window;
    for (std::int64_t k = 0; k < points; ++k) {
      window.push_back(2 * ((axis == kY ? k / conv.kernel : k % conv.kernel) - conv.padding) + 1);
    }
    if (options_.input) {
      const std::int64_t cells = dimensions(1)[axis];
      std::vector<float> places;
      for (const std::int64_t at : window) {
        for (std::int64_t cell = 0; cell < cells; ++cell) {
          places.push_back(static_cast<float>(2 * conv.stride * cell + at));
        }
      }
      return floats(name("regular"), std::move(places),
                    axis == kY ? Integers{points, cells, 1} : Integers{points, 1, cells});
    }
    const std::string count =
        add("Squeeze", {extents(name("extent"), 1, axis, axis + 1).name}, name("count"));
    const std::string cells =
        add("Range", {integer(name("zero"), 0), count, integer(name("one"), 1)}, name("cells"));
    const std::string along =
        add("Reshape",
            {add("Mul", {cells, integer(name("stride"), 2 * conv.stride)}, name("strided")),
             integers(name("shape"), axis == kY ? Integers{1, -1, 1} : Integers{1, 1, -1})},
            name("along"));
    return add("Cast",
               {add("Add", {along, integers(name("window"), std::move(window), {points, 1, 1})},
                    name("whole"))},
               name("regular"), {{"to", kOnnxFloat}});
  }

  /// The length of a deformable convolution's map along an axis, a float.
  std::string side(Axis axis) {
    const std::string name = place_part(axis, "length");
    if (options_.input) return floats(name, {static_cast<float>(dimensions(0)[axis])}, {1});
    return add("Cast", {extents(place_part(axis, "side"), 0, axis, axis + 1).name}, name,
               {{"to", kOnnxFloat}});
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

  std::string floats(const std::string& name, std::vector<float> values, Integers shape) {
    result_.constants.push_back(
        {name, std::move(shape), std::span<const float>(made_.emplace_back(std::move(values)))});
    return name;
  }

  /// (N, C, H, W) of the node's input number i, where the network's input is fixed.
  std::array<std::int64_t, 4> dimensions(std::size_t i) const {
    const graph::Shape& shape = shapes_[static_cast<std::size_t>(node_->inputs[i])];
    return {shape.n, shape.c, shape.h, shape.w};
  }

  /// Some extents of a value; `known` where they are constant, and then not yet among the
  /// constants.
  struct Extents {
    std::string name;
    Integers known;
  };

  /// Extents number `begin` to before `end` of the node's input number i.
  Extents extents(const std::string& name, std::size_t i, std::int64_t begin, std::int64_t end) {
    if (options_.input) {
      const auto all = dimensions(i);
      return {name, Integers(all.begin() + begin, all.begin() + end)};
    }
    return {add("Shape", {input(i)}, name, {{"start", begin}, {"end", end}}), {}};
  }

  /// Extents one after the other, as a shape.
  std::string join(const std::string& name, const std::vector<Extents>& parts) {
    Integers known;
    std::vector<std::string> names;
    for (const Extents& part : parts) {
      known.insert(known.end(), part.known.begin(), part.known.end());
      names.push_back(part.name);
      if (!options_.input && !part.known.empty()) integers(part.name, part.known);
    }
    if (options_.input) return integers(name, std::move(known));
    return add("Concat", std::move(names), name, {{"axis", std::int64_t{0}}});
  }

  using Extent = std::variant<std::int64_t, std::string>;

  Extent extent(const char* name, std::int64_t fixed) const {
    return options_.input ? Extent(fixed) : Extent(name);
  }
  Extent batch() const { return extent("batch", options_.input ? options_.input->batch : 0); }

  std::int64_t anchors() const {
    return options_.input ? detection::anchor_count(model_.model->detector().anchors,
                                                    options_.input->height, options_.input->width)
                          : 0;
  }

  /// What a head's values are called: as the head where they are an output.
  std::string value_of(const models::Head& head) const {
    return options_.faces ? head.name + "/values" : head.name;
  }

  /// The maps of all levels, (N, A * values, H, W), as one list of anchors, (N, anchors, values).
  void write_head(const models::Head& head) {
    const std::string rows_shape = integers(head.name + "/anchors", {0, -1, head.values});
    std::vector<std::string> levels;
    for (std::size_t level = 0; level < model_.model->detector().anchors.levels.size(); ++level) {
      const std::string name = models::output_name(head, level);
      const int index = model_.graph.find_output(name);
      RF_CHECK(index >= 0);
      const graph::Output& output = model_.graph.outputs()[static_cast<std::size_t>(index)];
      const std::string rows = add("Transpose", {model_.graph.node(output.node).name},
                                   name + "/rows", {{"perm", Integers{0, 2, 3, 1}}});
      levels.push_back(add("Reshape", {rows, rows_shape}, name));
    }
    add("Concat", std::move(levels), value_of(head), {{"axis", std::int64_t{1}}});
  }

  /// What detection/box_coding decodes offsets with, (1, anchors, 1) and (1, anchors, `points` *
  /// 2).
  struct AnchorConstants {
    std::string shifts;   ///< v_c s
    std::string centers;  ///< a, once a point
  };

  AnchorConstants anchor_constants(const std::string& name, std::int64_t points) {
    const models::AnchorFamily& family = model_.model->detector().anchors;
    std::vector<float> shifts;
    std::vector<float> centers;
    for (const detection::Anchor& anchor :
         detection::make_anchors(family, options_.input->height, options_.input->width)) {
      shifts.push_back(family.center_variance * anchor.size_px);
      for (std::int64_t k = 0; k < points; ++k) {
        centers.insert(centers.end(), {anchor.center.x, anchor.center.y});
      }
    }
    return {floats(name + "/shifts", std::move(shifts), {1, anchors(), 1}),
            floats(name + "/centers", std::move(centers), {1, anchors(), 2 * points})};
  }

  /// Values [begin, end) of every anchor.
  std::string values_of(const std::string& name, const std::string& value, std::int64_t begin,
                        std::int64_t end) {
    return add("Slice",
               {value, integers(name + ".begin", {begin}), integers(name + ".end", {end}),
                integers(name + ".axis", {2})},
               name);
  }

  /// Corners of the boxes, (N, anchors, 4).
  std::string decoded_boxes(const models::Head& head) {
    const AnchorConstants anchor = anchor_constants(head.name, 1);
    const auto name = [&](std::string_view what) { return fmt::format("{}/{}", head.name, what); };
    const std::string center = add(
        "Add",
        {add("Mul", {values_of(name("shift"), value_of(head), 0, 2), anchor.shifts}, name("moved")),
         anchor.centers},
        name("center"));
    const models::AnchorFamily& family = model_.model->detector().anchors;
    const std::string growth = add("Exp",
                                   {add("Mul",
                                        {values_of(name("log"), value_of(head), 2, 4),
                                         floats(name("variance"), {family.size_variance}, {})},
                                        name("scaled"))},
                                   name("growth"));
    const std::string half =
        add("Mul",
            {add("Mul", {growth, anchor.shifts}, name("shifts_grown")),
             floats(name("half_per_shift"), {0.5F / family.center_variance}, {})},
            name("half"));
    return add(
        "Concat",
        {add("Sub", {center, half}, name("first")), add("Add", {center, half}, name("last"))},
        name("corners"), {{"axis", std::int64_t{2}}});
  }

  /// (N, anchors, 10)
  std::string decoded_landmarks(const models::Head& head) {
    const AnchorConstants anchor = anchor_constants(head.name, 5);
    return add("Add",
               {add("Mul", {value_of(head), anchor.shifts}, head.name + "/moved"), anchor.centers},
               head.name + "/points");
  }

  /// The heads' values as faces, of which overlapping ones are suppressed.
  void write_faces() {
    const models::DetectorSpec& detector = model_.model->detector();
    const models::Head& scores = detector.heads[models::score_head(detector.heads)];
    const std::string& cls = scores.name;
    const std::string both =
        add("Softmax", {value_of(scores)}, cls + "/both", {{"axis", std::int64_t{2}}});
    const std::string score = values_of(cls + "/score", both, 1, 2);  // (N, anchors, 1)
    const std::string rows = add("Transpose", {score}, cls + "/row", {{"perm", Integers{0, 2, 1}}});
    const std::string corners = decoded_boxes(detector.heads[models::box_head(detector.heads)]);
    const std::string kept =
        add("NonMaxSuppression",
            {corners, rows, integers("kept/max_faces", {options_.faces->max_faces}),
             floats("kept/max_iou", {options_.faces->max_iou}, {1}),
             floats("kept/min_score", {options_.faces->min_score}, {1})},
            "kept");  // (F, 3): image, class, anchor
    const auto column = [&](const char* name, std::int64_t at) {
      const std::string whole = name;
      return add("Slice",
                 {kept, integers(whole + ".begin", {at}), integers(whole + ".end", {at + 1}),
                  integers(whole + ".axis", {1})},
                 whole);
    };
    const std::string image = column("kept/image", 0);
    const std::string where =
        add("Concat", {image, column("kept/anchor", 2)}, "kept/where", {{"axis", std::int64_t{1}}});
    const auto reshape = [&](const std::string& value, const std::string& output, Integers shape) {
      return add("Reshape", {value, integers(output + "/shape", std::move(shape))}, output);
    };
    const auto give = [&](const std::string& name, std::vector<Extent> shape,
                          std::int64_t type = kOnnxFloat) {
      shape.insert(shape.begin(), "faces");
      result_.outputs.push_back({name, std::move(shape), type});
    };
    give(reshape(image, "image_index", {-1}), {}, kOnnxInt64);
    give(add("GatherND", {corners, where}, "boxes"), {4});
    give(reshape(add("GatherND", {score, where}, cls + "/kept"), "scores", {-1}), {});
    for (const models::Head& head : detector.heads) {
      if (head.meaning == models::HeadMeaning::kLandmarks) {
        const std::string points =
            add("GatherND", {decoded_landmarks(head), where}, head.name + "/kept");
        give(reshape(points, head.name, {-1, 5, 2}), {5, 2});
      } else if (head.meaning == models::HeadMeaning::kValues) {
        give(add("GatherND", {value_of(head), where}, head.name), {head.values});
      }
    }
  }

  const models::LoadedModel& model_;
  const OnnxExportOptions& options_;
  std::vector<graph::Shape> shapes_;   ///< by node; of the channels alone where sizes are open
  const graph::Node* node_ = nullptr;  ///< the one that is being written
  std::deque<graph::Tensor> widened_;
  std::deque<std::vector<float>> made_;  ///< constants of our own, which the result views
  OnnxModel result_;
};

}  // namespace

std::string export_onnx(const models::LoadedModel& model, const OnnxExportOptions& options) {
  if (options.faces && !models::is_encodable(model.model->detector())) {
    fail(ErrorCode::kUnsupported,
         "{}: faces can be written of boxes by center and size and scores of two logits alone; "
         "without suppression in it, the file ends in the heads' values",
         model.source.empty() ? model.model->name : excerpt(model.source));
  }
  Exporter exporter(model, options);  // owns what the result views
  return serialize(exporter.run());
}

}  // namespace retinaface::interchange
