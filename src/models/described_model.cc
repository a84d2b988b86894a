#include "models/described_model.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <nlohmann/json.hpp>
#include <utility>

#include "base/check.h"
#include "base/file.h"
#include "base/library_reason.h"
#include "base/overloaded.h"
#include "graph/graph_json.h"
#include "graph/operators.h"
#include "models/load_model.h"

namespace retinaface::models {
namespace {

using Json = nlohmann::ordered_json;

constexpr const char* kSideDistances = "distances";
constexpr const char* kCascade = "cascade";

/// Reads the metadata of one model; see described_model.
class Reader {
 public:
  Reader(const Metadata& metadata, const std::string& source)
      : metadata_(metadata), source_(source) {}

  std::shared_ptr<const Model> read() {
    auto model = std::make_shared<Model>();
    model->name = text("model");
    if (metadata_.contains("summary")) model->summary = text("summary");
    graph::Graph graph = graph::parse_graph(text(kGraphKey), source_);
    if (graph::input_channels(graph) != 3) refuse("graph: expected an image of 3 channels");
    try {
      read_preprocessing(model->network);
      if (metadata_.contains("recognizer")) {
        read_recognizer(*model, graph);
      } else if (metadata_.contains(kCascade)) {
        read_cascade(*model, graph);
      } else {
        read_detector(model->purpose.emplace<DetectorSpec>(), graph);
      }
    } catch (const nlohmann::json::exception& error) {
      refuse("{}: {}", part_, library_reason(error.what()));
    }
    model->network.build = [graph = std::move(graph)] { return graph; };
    return model;
  }

 private:
  template <typename... Args>
  [[noreturn]] void refuse(fmt::format_string<Args...> format, Args&&... args) const {
    fail(ErrorCode::kBadData, "{}: {}", source_, fmt::format(format, std::forward<Args>(args)...));
  }

  const std::string& text(std::string_view key) const {
    const auto found = metadata_.find(key);
    if (found == metadata_.end()) refuse("expected '{}' in its metadata, found none", key);
    return found->second;
  }

  /// Errors that follow are of this part.
  Json json(const char* key) {
    part_ = key;
    return Json::parse(text(key));
  }

  double number(const Json& json, double min, double max) const {
    const auto value = json.get<double>();
    if (!(value >= min && value <= max)) {
      refuse("{}: expected {} to {}, found {}", part_, min, max, value);
    }
    return value;
  }

  int whole(const Json& json, int min, int max) const {
    const double value = number(json, min, max);
    if (value != std::floor(value)) {
      refuse("{}: expected a whole number from {} to {}, found {}", part_, min, max, value);
    }
    return static_cast<int>(value);
  }

  void read_preprocessing(NetworkSpec& network) {
    const Json found = json("preprocessing");
    const auto channels = found.at("channels").get<std::string>();
    if (channels != "bgr" && channels != "rgb") {
      refuse("preprocessing: expected channels 'rgb' or 'bgr', found '{}'", excerpt(channels));
    }
    network.preprocessing.bgr = channels == "bgr";
    if (found.at("mean").size() != 3) refuse("preprocessing: expected three means");
    for (std::size_t c = 0; c < 3; ++c) {
      network.preprocessing.mean[c] = static_cast<float>(number(found.at("mean").at(c), -1e6, 1e6));
    }
    if (found.contains("multiple")) {
      constexpr int kMaxMultiple = 1024;
      network.side_multiple = whole(found.at("multiple"), 1, kMaxMultiple);
    }
  }

  void read_recognizer(Model& model, const graph::Graph& graph) {
    constexpr int kMaxSide = 1024;
    const int side = whole(json("recognizer").at("side"), 16, kMaxSide);
    model.purpose = RecognizerSpec{.side_px = side};
    const std::string problem = graph::size_problem(graph, {1, 3, side, side});
    if (!problem.empty()) refuse("recognizer: {}x{} pixels: {}", side, side, problem);
    const bool one = graph.outputs().size() == 1 && graph.outputs()[0].name == "embedding";
    if (!one) refuse("recognizer: expected one output, 'embedding'");
    const graph::Shape shape = graph::infer_shapes(
        graph, {1, 3, side, side})[static_cast<std::size_t>(graph.outputs()[0].node)];
    if (shape.h != 1 || shape.w != 1) {
      refuse("recognizer: expected an embedding of 1x1, found {}x{}", shape.h, shape.w);
    }
  }

  void read_cascade(Model& model, const graph::Graph& graph) {
    const Json found = json(kCascade);
    CascadeSpec& cascade = model.purpose.emplace<CascadeSpec>();
    const auto real = [&](const char* key, double min, double max) {
      return static_cast<float>(number(found.at(key), min, max));
    };
    constexpr int kMaxWindow = 256;
    cascade.window_px = whole(found.at("window"), 1, kMaxWindow);
    cascade.window_stride_px = whole(found.at("stride"), 1, cascade.window_px);
    cascade.min_window_score = real("window_score", 0, 1);
    cascade.min_face_px = real("min_face", cascade.window_px / 16.0, 1e4);
    cascade.scale_step = real("scale_step", 0.1, 0.95);
    cascade.max_level_iou = real("level_iou", 0, 1);
    cascade.max_iou = real("iou", 0, 1);
    cascade.max_share_of_smaller = real("share_of_smaller", 0, 1);
    for (int i = 0; i < 4; ++i) {
      const int side = cascade.window_px + i * cascade.window_stride_px;
      check_outputs(graph, side, i + 1, {HeadMeaning::kScore, HeadMeaning::kBox});
    }
    constexpr std::size_t kMaxStages = 4;
    const Json& stages = found.at("stages");
    if (stages.empty() || stages.size() > kMaxStages) {
      refuse("cascade: expected 1 to {} stages, found {}", kMaxStages, stages.size());
    }
    for (const Json& stage : stages) {
      graph::Graph network = graph::parse_graph(stage.at("graph").dump(), source_);
      if (graph::input_channels(network) != 3) refuse("cascade: expected images of 3 channels");
      CascadeStage& read = cascade.stages.emplace_back();
      read.side_px = whole(stage.at("side"), 1, kMaxWindow);
      read.min_score = static_cast<float>(number(stage.at("min_score"), 0, 1));
      std::vector<HeadMeaning> outputs = {HeadMeaning::kScore, HeadMeaning::kBox};
      if (cascade.stages.size() == stages.size()) outputs.push_back(HeadMeaning::kLandmarks);
      check_outputs(network, read.side_px, 1, outputs);
      read.build = [network = std::move(network)] { return network; };
    }
  }

  /// Refuses a network that does not yield outputs of these meanings, by their names and of all
  /// their values, as maps of `cells` x `cells` for an image of `side` x `side` pixels.
  void check_outputs(const graph::Graph& graph, int side, int cells,
                     const std::vector<HeadMeaning>& outputs) const {
    const graph::Shape image = {1, 3, side, side};
    const std::string problem = graph::size_problem(graph, image);
    if (!problem.empty()) refuse("{}: {}x{} pixels: {}", part_, side, side, problem);
    const std::vector<graph::Shape> shapes = graph::infer_shapes(graph, image);
    for (const HeadMeaning meaning : outputs) {
      const HeadKind& kind = kind_of(meaning);
      const char* const name = kind.name;
      const int index = graph.find_output(name);
      if (index < 0) refuse("{}: expected an output '{}', found none", part_, name);
      const graph::NodeId node = graph.outputs()[static_cast<std::size_t>(index)].node;
      const graph::Shape expected = {1, kind.max_values, cells, cells};
      const graph::Shape& shape = shapes[static_cast<std::size_t>(node)];
      if (shape != expected) {
        refuse("{}: expected '{}' of {} for {}x{} pixels, found {}", part_, name,
               graph::to_string(expected), side, side, graph::to_string(shape));
      }
    }
  }

  void read_detector(DetectorSpec& detector, const graph::Graph& graph) {
    const Json anchors = json("anchors");
    AnchorFamily& family = detector.anchors;
    constexpr std::size_t kMaxLevels = 8;
    constexpr int kMaxStride = 256;
    constexpr std::size_t kMaxAnchors = 64;
    for (const Json& found : anchors.at("levels")) {
      AnchorLevel level;
      level.stride_px = whole(found.at("stride"), 1, kMaxStride);
      for (const Json& size : found.at("sizes")) {
        level.sizes_px.push_back(static_cast<float>(number(size, 1e-3, 1e5)));
      }
      if (level.sizes_px.empty() || level.sizes_px.size() > kMaxAnchors) {
        refuse("anchors: expected 1 to {} sizes a level", kMaxAnchors);
      }
      family.levels.push_back(std::move(level));
    }
    if (family.levels.empty() || family.levels.size() > kMaxLevels) {
      refuse("anchors: expected 1 to {} levels", kMaxLevels);
    }
    const int coarsest = std::ranges::max(family.levels, {}, &AnchorLevel::stride_px).stride_px;
    for (const AnchorLevel& level : family.levels) {
      if (coarsest % level.stride_px != 0) {
        refuse("anchors: the stride {} does not divide {}", level.stride_px, coarsest);
      }
    }
    family.center_variance = static_cast<float>(number(anchors.at("variances").at(0), 1e-6, 1e6));
    family.size_variance = static_cast<float>(number(anchors.at("variances").at(1), 1e-6, 1e6));
    if (anchors.contains("boxes")) {
      if (anchors.at("boxes").get<std::string>() != kSideDistances) {
        refuse("anchors: expected boxes '{}'", kSideDistances);
      }
      family.boxes = BoxCoding::kSideDistances;
    }
    if (anchors.contains("in_strides")) family.in_strides = anchors.at("in_strides").get<bool>();
    if (anchors.contains("cell_center")) {
      family.cell_center = static_cast<float>(number(anchors.at("cell_center"), 0, 1));
    }
    detector.search = search_policy_of(family);
    read_heads(detector, graph);
  }

  void read_heads(DetectorSpec& detector, const graph::Graph& graph) {
    if (metadata_.contains("heads")) {
      detector.heads.clear();
      for (const Json& found : json("heads")) {
        Head head;
        head.name = found.at("name").get<std::string>();
        head.values = whole(found.at("values"), 1, kind_of(HeadMeaning::kValues).max_values);
        const auto meaning = found.at("meaning").get<std::string>();
        const auto* const known =
            std::ranges::find(kHeadKinds, std::string_view(meaning), &HeadKind::name);
        if (known == std::end(kHeadKinds)) refuse("heads: no head means '{}'", excerpt(meaning));
        head.meaning = known->meaning;
        detector.heads.push_back(std::move(head));
      }
    }
    const auto count = [&](HeadMeaning meaning) {
      return std::ranges::count(detector.heads, meaning, &Head::meaning);
    };
    if (count(HeadMeaning::kScore) < 1 || count(HeadMeaning::kBox) != 1 ||
        count(HeadMeaning::kLandmarks) != 1) {
      refuse("heads: expected scores, one of boxes and one of landmarks");
    }
    const std::vector<graph::Shape> shapes = graph::channel_shapes(graph);
    for (const Head& head : detector.heads) {
      const HeadKind& kind = kind_of(head.meaning);
      const bool fits = head.values >= kind.min_values && head.values <= kind.max_values;
      if (!fits) refuse("heads: '{}' has {} values", excerpt(head.name), head.values);
      for (std::size_t l = 0; l < detector.anchors.levels.size(); ++l) {
        const std::string name = output_name(head, l);
        const int index = graph.find_output(name);
        if (index < 0) refuse("graph: expected an output '{}', found none", excerpt(name));
        const graph::NodeId node = graph.outputs()[static_cast<std::size_t>(index)].node;
        const std::int64_t wanted =
            head.values * static_cast<std::int64_t>(detector.anchors.levels[l].sizes_px.size());
        if (shapes[static_cast<std::size_t>(node)].c != wanted) {
          refuse("graph: '{}' has {} channels, expected {}", excerpt(name),
                 shapes[static_cast<std::size_t>(node)].c, wanted);
        }
      }
    }
    check_grids(detector, graph);
  }

  /// All maps of a level must be of one size whatever the image: at the first multiples of the
  /// sides, they are.
  void check_grids(const DetectorSpec& detector, const graph::Graph& graph) const {
    const std::vector<graph::Shape> shapes = graph::channel_shapes(graph);
    for (std::size_t l = 0; l < detector.anchors.levels.size(); ++l) {
      for (const Head& head : detector.heads) {
        const auto shape_of = [&](const Head& which) {
          const auto index = static_cast<std::size_t>(graph.find_output(output_name(which, l)));
          return shapes[static_cast<std::size_t>(graph.outputs()[index].node)];
        };
        const graph::Shape own = shape_of(head);
        const graph::Shape first = shape_of(detector.heads.front());
        if (own.h != first.h || own.w != first.w) {
          refuse("graph: the maps of '{}' and '{}' differ in size", excerpt(head.name),
                 excerpt(detector.heads.front().name));
        }
      }
    }
  }

  const Metadata& metadata_;
  const std::string& source_;
  const char* part_ = "";
};

Json to_json(const CascadeSpec& cascade) {
  Json stages = Json::array();
  for (const CascadeStage& stage : cascade.stages) {
    stages.push_back({{"side", stage.side_px},
                      {"min_score", as_written(stage.min_score)},
                      {"graph", Json::parse(graph::to_json(stage.build()))}});
  }
  return {{"window", cascade.window_px},
          {"stride", cascade.window_stride_px},
          {"window_score", as_written(cascade.min_window_score)},
          {"min_face", as_written(cascade.min_face_px)},
          {"scale_step", as_written(cascade.scale_step)},
          {"level_iou", as_written(cascade.max_level_iou)},
          {"iou", as_written(cascade.max_iou)},
          {"share_of_smaller", as_written(cascade.max_share_of_smaller)},
          {"stages", stages}};
}

}  // namespace

SearchPolicy search_policy_of(const AnchorFamily& anchors) {
  float smallest = INFINITY;
  float largest = 0;
  for (const AnchorLevel& level : anchors.levels) {
    for (const float size : level.sizes_px) {
      smallest = std::min(smallest, size);
      largest = std::max(largest, size);
    }
  }
  const bool derivable = smallest >= 1 && largest >= 8 * smallest;
  return derivable ? derived_search_policy(anchors) : SearchPolicy();
}

Json to_json(const std::vector<Head>& heads) {
  Json result = Json::array();
  for (const Head& head : heads) {
    result.push_back(
        {{"name", head.name}, {"values", head.values}, {"meaning", kind_of(head.meaning).name}});
  }
  return result;
}

Metadata describe(const Model& model, const graph::Graph& graph) {
  Metadata result = metadata(model);
  result.emplace(kGraphKey, graph::to_json(graph));
  result.emplace("summary", model.summary);
  std::visit(Overloaded{[&](const RecognizerSpec& recognizer) {
                          result.emplace("recognizer", Json{{"side", recognizer.side_px}}.dump());
                        },
                        [&](const CascadeSpec& cascade) {
                          result.emplace(kCascade, to_json(cascade).dump());
                        },
                        [&](const DetectorSpec& detector) {
                          result.emplace("heads", to_json(detector.heads).dump());
                        }},
             model.purpose);
  return result;
}

std::shared_ptr<const Model> described_model(const Metadata& metadata, const std::string& source) {
  return Reader(metadata, source).read();
}

}  // namespace retinaface::models
