#include "models/catalogue.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <utility>
#include <vector>

#include <fmt/ranges.h>

#include "base/check.h"
#include "models/mobilenet.h"
#include "models/resnet.h"
#include "models/retinaface.h"
#include "models/shallow.h"

namespace retinaface::models {
namespace {

/// What the public PyTorch family takes.
constexpr Preprocessing kPublicPreprocessing = {.bgr = true, .mean = {104, 117, 123}};
/// What torchvision's classifiers take, but for the deviations.
constexpr Preprocessing kImageNetPreprocessing = {.bgr = false,
                                                  .mean = {123.675F, 116.28F, 103.53F}};
constexpr std::array<float, 3> kImageNetDeviation = {58.395F, 57.12F, 57.375F};

graph::Graph network(const std::function<Pyramid(graph::Graph&, graph::NodeId)>& backbone,
                     const DetectorOptions& detector) {
  graph::Graph graph;
  const graph::NodeId image = graph.add("image", graph::Input{3}, {});
  add_detector(graph, backbone(graph, image), detector);
  return graph;
}

/// Two anchors a cell, each twice as large as the one before, on three levels: the public
/// families', which the paper's light model has of SSH.
AnchorFamily octave_anchors() {
  return {.levels = {{8, {16, 32}}, {16, {64, 128}}, {32, {256, 512}}}};
}

/// The paper's: three anchors a cell, in steps of the cube root of 2, from 16 pixels on stride 4.
AnchorFamily paper_anchors() {
  AnchorFamily family;
  for (const int stride : {4, 8, 16, 32, 64}) {
    AnchorLevel level = {.stride_px = stride, .sizes_px = {}};
    for (int i = 0; i < 3; ++i) {
      level.sizes_px.push_back(static_cast<float>(4 * stride * std::exp2(i / 3.0)));
    }
    family.levels.push_back(std::move(level));
  }
  return family;
}

/// A detector whose search policy was not measured.
DetectorSpec detector_on(AnchorFamily anchors) {
  const SearchPolicy search = derived_search_policy(anchors);
  return {.anchors = std::move(anchors), .search = search};
}

using ResNet = Pyramid (*)(graph::Graph&, const std::string&, graph::NodeId);

std::string backbone_name() {
  return std::string(kBackbonePrefix.substr(0, kBackbonePrefix.size() - 1));
}

/// The paper's network on a residual one, with each of its options.
void add_paper_rows(std::vector<Model>& rows, const std::string& name, const std::string& title,
                    ResNet backbone) {
  for (const bool shared_heads : {false, true}) {
    for (const bool deformable : {false, true}) {
      const DetectorOptions detector = {.channels = 256,
                                        .anchors_per_cell = 3,
                                        .extra_level = true,
                                        .deformable = deformable,
                                        .shared_heads = shared_heads};
      Model row;
      row.name = name;
      row.summary = title + ", five levels";
      row.network.build = [=] {
        return network([=](graph::Graph& graph,
                           graph::NodeId image) { return backbone(graph, backbone_name(), image); },
                       detector);
      };
      row.network.preprocessing = kImageNetPreprocessing;
      row.network.classifier_deviation = kImageNetDeviation;
      row.purpose = detector_on(paper_anchors());
      if (deformable) {
        row.name += kDeformableOption;
        row.summary += ", deformable";
      }
      if (shared_heads) {
        row.name += kSharedHeadsOption;
        row.summary += ", heads shared";
      }
      rows.push_back(std::move(row));
    }
  }
}

graph::Graph mobilenet_network(const MobileNetStem& stem) {
  return network(
      [&](graph::Graph& graph, graph::NodeId image) {
        return mobilenet025(graph, backbone_name(), image, stem);
      },
      {.channels = 64, .anchors_per_cell = 2, .slope = kLeakySlope});
}

graph::Graph shallow_network(const ShallowStages& stages, const DetectorOptions& detector) {
  return network(
      [&](graph::Graph& graph, graph::NodeId image) {
        return shallow_backbone(graph, backbone_name(), image, stages);
      },
      detector);
}

graph::Graph shallow_700m() {
  return shallow_network(
      {{{.channels = 32},
        {.channels = 64, .dense = 1, .separable = 2, .widened = 48},
        {.channels = 128, .separable = 2},
        {.channels = 128, .separable = 3}}},
      {.channels = 48, .context_channels = 64, .anchors_per_cell = 2, .slope = kLeakySlope});
}

graph::Graph shallow_2500m() {
  return shallow_network(
      {{{.channels = 64, .separable = 1},
        {.channels = 112, .dense = 1, .separable = 3, .widened = 96},
        {.channels = 192, .separable = 4},
        {.channels = 192, .separable = 3}}},
      {.channels = 80, .context_channels = 128, .anchors_per_cell = 2, .slope = kLeakySlope});
}

graph::Graph public_resnet50() {
  return network(
      [](graph::Graph& graph, graph::NodeId image) {
        Pyramid maps = resnet50(graph, backbone_name(), image);
        maps.erase(maps.begin());  // from stride 8 on
        return maps;
      },
      {.channels = 256, .anchors_per_cell = 2});
}

Model public_row(std::string name, std::string summary, graph::Graph (*build)(),
                 DetectorSpec detector) {
  Model row;
  row.name = std::move(name);
  row.summary = std::move(summary);
  row.network.build = build;
  row.network.preprocessing = kPublicPreprocessing;
  row.purpose = std::move(detector);
  return row;
}

std::vector<Model> make_catalogue() {
  std::vector<Model> rows;
  rows.push_back(public_row("mnet025", "MobileNet-0.25, three levels: small and fast, for CPUs",
                            [] { return mobilenet_network({}); },
                            {.anchors = octave_anchors(), .search = {.drops_implausible = true}}));
  rows.push_back(public_row(
      "mnet025-light", "MobileNet-0.25 behind a 7x7 convolution of stride 4, three levels",
      [] { return mobilenet_network({.kernel = 7, .stride = 4}); }, detector_on(octave_anchors())));
  rows.push_back(public_row("shallow-700m",
                            "works mostly at strides 4 and 8, three levels: at mnet025's cost",
                            shallow_700m, detector_on(octave_anchors())));
  rows.push_back(public_row("shallow-2500m",
                            "the same, about twice as wide: 2.5 G multiply-adds at 640x480",
                            shallow_2500m, detector_on(octave_anchors())));
  add_paper_rows(rows, "resnet18", "ResNet-18", resnet18);
  add_paper_rows(rows, "resnet50", "ResNet-50", resnet50);
  add_paper_rows(rows, "resnet152", "ResNet-152", resnet152);
  rows.push_back(public_row("resnet50-public",
                            "ResNet-50, three levels, as the public PyTorch family has it",
                            public_resnet50, detector_on(octave_anchors())));
  return rows;
}

}  // namespace

std::vector<SizedNetwork> networks_of(const Model& model, int width, int height) {
  std::vector<SizedNetwork> networks;
  networks.push_back({model.network.build(), {1, 3, height, width}});
  if (const CascadeSpec* const cascade = model.find_cascade()) {
    for (const CascadeStage& stage : cascade->stages) {
      networks.push_back({stage.build(), stage.input()});
    }
  }
  return networks;
}

std::span<const Model> catalogue() {
  static const std::vector<Model> models = make_catalogue();
  return models;
}

std::string known_names() {
  std::vector<std::string_view> names;
  for (const Model& model : catalogue()) names.push_back(model.name);
  return fmt::format("{}", fmt::join(names, ", "));
}

const Model* find_row(std::string_view name) {
  const auto found = std::ranges::find(catalogue(), name, &Model::name);
  return found == catalogue().end() ? nullptr : &*found;
}

const Model& find_model(std::string_view name) {
  const Model* const row = find_row(name);
  if (row == nullptr) {
    fail(ErrorCode::kNotFound, "no model is called '{}'; there are: {}", name, known_names());
  }
  return *row;
}

}  // namespace retinaface::models
