#include "interchange/onnx_import.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <span>
#include <utility>

#include <fmt/ranges.h>

#include "base/check.h"
#include "base/file.h"
#include "graph/operators.h"
#include "interchange/onnx_export.h"
#include "interchange/onnx_network.h"
#include "models/described_model.h"

namespace retinaface::interchange {
namespace {

using graph::NodeId;
using models::HeadMeaning;

/// One map of rows among the outputs: what a head says on a level.
struct Piece {
  NodeId map = 0;
  std::int64_t values = 0;    ///< of a row
  std::int64_t per_cell = 0;  ///< rows
  std::string output;         ///< of the file
};

/// The pieces of one level of the pyramid, by falling size.
struct Level {
  std::int64_t height = 0;
  std::int64_t width = 0;
  std::vector<Piece> pieces;
};

/// One kind of detector, told by the values that the rows of a level have.
struct Family {
  const char* name;
  const char* summary;
  std::vector<models::Head> heads;  ///< in the order of their values
  models::Preprocessing preprocessing;
  float scale = 1;  ///< of what the preprocessing yields
  /// The anchors for levels of these strides with so many anchors a cell; without levels: unknown.
  models::AnchorFamily (*anchors)(std::span<const int> strides, std::int64_t per_cell);
};

/// The face's three heads, of `scores` values where they say scores; `second`, if there is one, is
/// another head of scores.
std::vector<models::Head> heads(int scores, const char* second = nullptr) {
  std::vector<models::Head> result;
  const auto add = [&](const std::string& name, int values, HeadMeaning meaning) {
    models::Head& head = result.emplace_back();
    head.name = name;
    head.values = values;
    head.meaning = meaning;
  };
  for (const models::Head& own : models::face_heads()) {
    const bool is_score = own.meaning == HeadMeaning::kScore;
    add(own.name, is_score ? scores : own.values, own.meaning);
    if (is_score && second != nullptr) add(second, scores, own.meaning);
  }
  return result;
}

/// Offsets in strides, from the first corners of cells. Sizes are those of the faces that a level
/// is for, each twice the one before, from twice the stride on: what the search over sizes needs.
models::AnchorFamily anchors_in_strides(std::span<const int> strides, std::int64_t per_cell,
                                        models::BoxCoding boxes) {
  models::AnchorFamily family;
  family.center_variance = 1;
  family.size_variance = 1;
  family.boxes = boxes;
  family.in_strides = true;
  family.cell_center = 0;
  for (const int stride : strides) {
    models::AnchorLevel level = {.stride_px = stride, .sizes_px = {}};
    for (std::int64_t i = 0; i < per_cell; ++i) {
      level.sizes_px.push_back(static_cast<float>(2 * stride) *
                               static_cast<float>(std::int64_t{1} << std::min<std::int64_t>(i, 8)));
    }
    family.levels.push_back(std::move(level));
  }
  return family;
}

models::AnchorFamily public_anchors(std::span<const int> strides, std::int64_t per_cell) {
  for (const char* row : {"mnet025", "resnet50"}) {
    const models::AnchorFamily& family = models::find_model(row).detector().anchors;
    const bool same = std::ranges::equal(
        family.levels, strides, [&](const models::AnchorLevel& level, int stride) {
          return level.stride_px == stride &&
                 static_cast<std::int64_t>(level.sizes_px.size()) == per_cell;
        });
    if (same) return family;
  }
  return {};
}

const std::vector<Family>& families() {
  static const std::vector<Family> all = {
      {.name = "scrfd",
       .summary = "SCRFD with points, imported",
       .heads = heads(1),
       .preprocessing = {.bgr = false, .mean = {127.5F, 127.5F, 127.5F}},
       .scale = 1 / 128.0F,
       .anchors =
           [](std::span<const int> strides, std::int64_t per_cell) {
             return anchors_in_strides(strides, per_cell, models::BoxCoding::kSideDistances);
           }},
      {.name = "yunet",
       .summary = "YuNet, imported",
       .heads = heads(1, "obj"),
       .preprocessing = {.bgr = true},
       .anchors =
           [](std::span<const int> strides, std::int64_t per_cell) {
             if (per_cell != 1) return models::AnchorFamily();
             return anchors_in_strides(strides, per_cell, models::BoxCoding::kCenterAndSize);
           }},
      {.name = "retinaface",
       .summary = "RetinaFace, imported",
       .heads = heads(2),
       .preprocessing = {.bgr = true, .mean = {104, 117, 123}},
       .anchors = public_anchors}};
  return all;
}

/// Makes a model of a network; see import_onnx.
class Importer {
 public:
  Importer(const OnnxModel& file, const OnnxImageOptions& options, const std::string& source)
      : file_(file), options_(options), source_(source), network_(read_network(file, source)) {}

  models::LoadedModel run() {
    if (is_vector()) {
      make_recognizer();
    } else {
      make_detector();
    }
    return finish();
  }

 private:
  template <typename... Args>
  [[noreturn]] void refuse(fmt::format_string<Args...> format, Args&&... args) const {
    fail(ErrorCode::kUnsupported, "{}: {}", source_,
         fmt::format(format, std::forward<Args>(args)...));
  }

  const graph::Shape& shape_of(NodeId map) const {
    return network_.shapes[static_cast<std::size_t>(map)];
  }

  // Recognisers.

  bool is_vector() const {
    const ArrangedMaps& value = network_.outputs.front().value;
    const graph::Shape& shape = shape_of(value.maps[0]);
    return network_.outputs.size() == 1 && value.maps.size() == 1 && shape.h == 1 && shape.w == 1;
  }

  void make_recognizer() {
    const graph::Shape& image = network_.shapes.front();
    if (!network_.fixed_size || image.h != image.w) {
      refuse("expected a recogniser of square images of a fixed size, found {}x{}{}", image.w,
             image.h, network_.fixed_size ? "" : " (of any size)");
    }
    model_.name = "recognizer";
    model_.summary = fmt::format("a recogniser of {} values, imported",
                                 shape_of(network_.outputs.front().value.maps[0]).c);
    model_.purpose = models::RecognizerSpec{.side_px = static_cast<int>(image.h)};
    network_.graph.add_output("embedding", network_.outputs.front().value.maps[0]);
    // A network that scales its image itself is given the image as it is.
    const bool scales_itself = affine_of_image().has_value();
    models::Preprocessing preprocessing = {.bgr = false};
    if (!scales_itself) preprocessing.mean = {127.5F, 127.5F, 127.5F};
    set_image(preprocessing, scales_itself ? 1 : 1 / 127.5F);
  }

  // Detectors.

  void make_detector() {
    std::vector<Level> levels = collect_levels();
    const auto [image_height, image_width] =
        std::pair(network_.shapes.front().h, network_.shapes.front().w);
    std::vector<int> strides;
    for (const Level& level : levels) {
      const std::int64_t stride = image_height / level.height;
      if (stride < 1 || image_height != stride * level.height ||
          image_width != stride * level.width) {
        refuse_outputs();
      }
      strides.push_back(static_cast<int>(stride));
    }
    const Family& family = family_of(levels);
    model_.name = family.name;
    model_.summary = family.summary;
    model_.detector().heads = family.heads;
    model_.detector().anchors = family.anchors(strides, levels.front().pieces.front().per_cell);
    models::Preprocessing preprocessing = family.preprocessing;
    const bool told =
        file_.metadata.contains("anchors") && file_.metadata.contains("preprocessing");
    if (model_.detector().anchors.levels.empty() && !told) {
      refuse("expected the anchors of a known family, found {} a cell at the strides {}",
             levels.front().pieces.front().per_cell, fmt::join(strides, ", "));
    }
    for (std::size_t l = 0; l < levels.size(); ++l) name_outputs(levels[l], l);
    if (told) return follow_metadata();
    model_.network.side_multiple = std::ranges::max(strides);
    model_.detector().search = models::search_policy_of(model_.detector().anchors);
    set_image(preprocessing, family.scale);
  }

  std::vector<Level> collect_levels() {
    std::vector<Level> levels;
    for (const OnnxOutput& output : network_.outputs) {
      if (output.value.arrangement != Arrangement::kRows) refuse_outputs();
      for (const NodeId map : output.value.maps) {
        const graph::Shape& shape = shape_of(map);
        auto level = std::ranges::find_if(levels, [&](const Level& found) {
          return found.height == shape.h && found.width == shape.w;
        });
        if (level == levels.end()) {
          level = levels.insert(levels.end(), {shape.h, shape.w, {}});
        }
        level->pieces.push_back({without_activation(map, output.value.values), output.value.values,
                                 shape.c / output.value.values, output.name});
      }
    }
    std::ranges::sort(levels, std::ranges::greater(), &Level::height);
    for (Level& level : levels) {
      std::ranges::stable_sort(level.pieces, {}, &Piece::values);
    }
    return levels;
  }

  /// The map of logits of which a map of scores is made.
  NodeId without_activation(NodeId map, std::int64_t values) const {
    const graph::Node& node = network_.graph.node(map);
    if (values == 1 && std::holds_alternative<graph::Sigmoid>(node.op)) return node.inputs[0];
    if (values == 2 && node.op == graph::Operator(graph::Softmax{.channels = 2})) {
      return node.inputs[0];
    }
    return map;
  }

  const Family& family_of(const std::vector<Level>& levels) const {
    for (const Family& family : families()) {
      const bool fits = std::ranges::all_of(levels, [&](const Level& level) {
        return std::ranges::equal(
            level.pieces, family.heads, [&](const Piece& piece, const models::Head& head) {
              return piece.values == head.values && piece.per_cell == levels[0].pieces[0].per_cell;
            });
      });
      if (fits) return family;
    }
    refuse_outputs();
  }

  void name_outputs(const Level& level, std::size_t number) {
    for (std::size_t h = 0; h < level.pieces.size(); ++h) {
      network_.graph.add_output(models::output_name(model_.detector().heads[h], number),
                                level.pieces[h].map);
    }
  }

  /// What an export of this program says of itself.
  void follow_metadata() {
    models::Metadata metadata = file_.metadata;
    models::Metadata own = models::describe(model_, network_.graph);
    for (const char* key : {"anchors", "preprocessing"}) own.at(key) = metadata.at(key);
    if (const auto name = metadata.find("model"); name != metadata.end())
      own.at("model") = name->second;
    const auto described = models::described_model(own, source_);
    model_.name = described->name;
    model_.detector() = described->detector();
    model_.network.side_multiple = described->network.side_multiple;
    set_image(described->network.preprocessing, 1);
  }

  [[noreturn]] void refuse_outputs() const {
    std::string found;
    for (const OnnxOutput& output : network_.outputs) {
      found += fmt::format("{}{} ({})", found.empty() ? "" : ", ", excerpt(output.name),
                           output.value.arrangement == Arrangement::kRows
                               ? fmt::format("rows of {}", output.value.values)
                               : graph::to_string(shape_of(output.value.maps[0])));
    }
    refuse(
        "expected the outputs of a detector (rows for each anchor of 1, 4 and 10 values: SCRFD; 1, "
        "1, 4 and 10: YuNet; 2, 4 and 10: RetinaFace) or one vector of a recogniser, found {}",
        found);
  }

  // The image.

  /// What the network does to its image first, by channel, if that is to scale and to shift it.
  struct Affine {
    NodeId node = 0;
    std::array<double, 3> scale{};
    std::array<double, 3> shift{};
  };

  /// The only reader of a map, if it is a normalisation.
  std::optional<NodeId> only_norm_behind(NodeId map) const {
    std::optional<NodeId> reader;
    for (NodeId id = 0; id < static_cast<NodeId>(network_.graph.nodes().size()); ++id) {
      if (std::ranges::count(network_.graph.node(id).inputs, map) == 0) continue;
      if (reader) return std::nullopt;
      reader = id;
    }
    const bool norm =
        reader && std::holds_alternative<graph::BatchNorm>(network_.graph.node(*reader).op);
    return norm ? reader : std::nullopt;
  }

  std::optional<Affine> affine_of_image() const {
    Affine all = {0, {1, 1, 1}, {0, 0, 0}};
    while (const std::optional<NodeId> norm = only_norm_behind(all.node)) {
      const graph::Node& node = network_.graph.node(*norm);
      const auto values = [&](const char* suffix) {
        return network_.weights.at(node.parameter(suffix)).values();
      };
      for (std::size_t c = 0; c < 3; ++c) {
        const double scale = double{values("weight")[c]} /
                             std::sqrt(double{values("running_var")[c]} +
                                       double{std::get<graph::BatchNorm>(node.op).epsilon});
        all.shift[c] =
            (all.shift[c] - double{values("running_mean")[c]}) * scale + double{values("bias")[c]};
        all.scale[c] *= scale;
      }
      all.node = *norm;
    }
    return all.node == 0 ? std::nullopt : std::optional(all);
  }

  /// The network's own scaling and shifting of its image goes into the mean and the first layers,
  /// and so does `scale` of what the preprocessing yields.
  void set_image(models::Preprocessing preprocessing, float scale) {
    if (options_.bgr) preprocessing.bgr = *options_.bgr;
    if (options_.mean) preprocessing.mean = *options_.mean;
    if (options_.scale) scale = *options_.scale;
    Affine all = {0, {}, {}};
    for (std::size_t c = 0; c < 3; ++c) {
      all.scale[c] = double{scale};
      all.shift[c] = 0;
    }
    if (const std::optional<Affine> own = affine_of_image()) {
      all.node = own->node;
      for (std::size_t c = 0; c < 3; ++c) {
        all.scale[c] *= own->scale[c];
        all.shift[c] = own->shift[c];
      }
    }
    model_.network.preprocessing = preprocessing;
    if (all.node == 0 && scale == 1) return;
    const bool invertible = std::ranges::all_of(all.scale, [](double s) { return s != 0; });
    if (invertible && scale_readers(all)) {
      // s x + t = s (x + t / s), and what surrounds the image is 0 before and behind.
      for (std::size_t c = 0; c < 3; ++c) {
        model_.network.preprocessing.mean[c] -= static_cast<float>(all.shift[c] / all.scale[c]);
      }
      return;
    }
    refuse("expected convolutions as the first layers behind the image's scaling");
  }

  /// Multiplies the weights of all that read the scaled image, if those are convolutions that no
  /// others share weights with, and has them read the image itself.
  bool scale_readers(const Affine& affine) {
    const graph::Graph& old = network_.graph;
    for (const graph::Node& node : old.nodes()) {
      if (std::ranges::count(node.inputs, affine.node) == 0) continue;
      const auto* conv = std::get_if<graph::Convolution>(&node.op);
      if (conv == nullptr || conv->groups != 1 || !node.shared_with.empty()) return false;
      if (std::ranges::count(old.nodes(), node.name, &graph::Node::shared_with) > 0) return false;
    }
    if (std::ranges::count(old.outputs(), affine.node, &graph::Output::node) > 0) return false;
    graph::Graph rewritten;
    for (const graph::Node& node : old.nodes()) {
      std::vector<NodeId> inputs = node.inputs;
      const bool reads = std::ranges::count(inputs, affine.node) > 0;
      if (reads && std::holds_alternative<graph::Convolution>(node.op)) {
        std::ranges::replace(inputs, affine.node, 0);
        graph::Tensor& weight = network_.weights.tensors.at(node.parameter("weight"));
        const auto area = weight.size() / static_cast<std::size_t>(weight.shape[0] * 3);
        for (std::size_t i = 0; i < weight.size(); ++i) {
          float& value = weight.values()[i];
          value = static_cast<float>(double{value} * affine.scale[i / area % 3]);
        }
      }
      if (node.shared_with.empty()) {
        rewritten.add(node.name, node.op, std::move(inputs));
      } else {
        rewritten.add_sharing(node.name, node.op, std::move(inputs), node.shared_with);
      }
    }
    for (const graph::Output& output : old.outputs())
      rewritten.add_output(output.name, output.node);
    network_.graph = std::move(rewritten);
    return true;
  }

  models::LoadedModel finish() {
    models::LoadedModel loaded;
    const graph::Graph graph = graph::without_unused(network_.graph);
    const std::string problem = graph::size_problem(graph, {1, 3, 256, 256});
    if (!problem.empty()) refuse("the network takes no image of 256x256: {}", problem);
    for (const graph::ParameterSpec& parameter : graph::parameters(graph)) {
      loaded.weights.tensors.emplace(parameter.name,
                                     std::move(network_.weights.tensors.at(parameter.name)));
    }
    loaded.weights.metadata = models::describe(model_, graph);
    // What is written is what is read again.
    loaded.described = models::described_model(loaded.weights.metadata, source_);
    loaded.model = loaded.described.get();
    loaded.graph = loaded.model->network.build();
    return loaded;
  }

  const OnnxModel& file_;
  const OnnxImageOptions& options_;
  const std::string& source_;
  OnnxNetwork network_;
  models::Model model_;
};

/// The row of the catalogue whose export the file is, with its weights, if it is one to the byte:
/// so deformable convolutions, which an export takes apart, come back whole.
std::optional<models::LoadedModel> own_export(const OnnxModel& file) {
  const auto name = file.metadata.find("model");
  if (file.producer != "retinaface" || name == file.metadata.end()) return std::nullopt;
  const models::Model* const row = models::find_row(name->second);
  if (row == nullptr) return std::nullopt;
  const auto shapeless = [](const OnnxPort& port) { return port.shape.empty(); };
  if (std::ranges::any_of(file.inputs, shapeless) || std::ranges::any_of(file.outputs, shapeless)) {
    return std::nullopt;  // which none of ours is
  }
  models::LoadedModel loaded = {.model = row, .graph = row->network.build(), .weights = {}};
  for (const OnnxTensor& constant : file.constants) {
    const auto* values = std::get_if<std::vector<float>>(&constant.values);
    if (values == nullptr) continue;
    graph::Tensor tensor = graph::Tensor::of_shape(constant.shape);
    std::ranges::copy(*values, tensor.values().begin());
    loaded.weights.tensors.insert_or_assign(constant.name, std::move(tensor));
  }
  std::map<std::string, graph::Tensor, std::less<>> own;
  for (const graph::ParameterSpec& parameter : graph::parameters(loaded.graph)) {
    const auto found = loaded.weights.tensors.find(parameter.name);
    if (found == loaded.weights.tensors.end() || found->second.shape != parameter.shape) {
      return std::nullopt;
    }
    own.emplace(parameter.name, std::move(found->second));
  }
  loaded.weights.tensors = std::move(own);
  loaded.weights.metadata = models::metadata(*row);
  const std::string again = export_onnx(loaded);
  OnnxModel expected = parse_onnx(std::as_bytes(std::span(again)), "export");
  expected.producer_version = file.producer_version;
  if (serialize(expected) != serialize(file)) return std::nullopt;
  return loaded;
}

}  // namespace

models::LoadedModel import_onnx(const OnnxModel& file, const OnnxImageOptions& options,
                                const std::string& source) {
  if (std::optional<models::LoadedModel> own = own_export(file)) {
    if (options.bgr || options.mean || options.scale) {
      fail(ErrorCode::kInvalidArgument,
           "{}: is an export of {}, which says itself what its network takes; give it no "
           "channels, mean and scale",
           source, own->model->name);
    }
    return std::move(*own);
  }
  return Importer(file, options, source).run();
}

}  // namespace retinaface::interchange
