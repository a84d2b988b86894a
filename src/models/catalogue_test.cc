#include "models/catalogue.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <string>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "graph/operators.h"
#include "support/testing.h"

namespace retinaface::models {
namespace {

using graph::Shape;
using ::testing::AllOf;
using ::testing::ElementsAre;
using testing::error_of;
using ::testing::HasSubstr;

graph::Graph network(std::string_view name) {
  return find_model(name).network.build();
}

/// Multiply-adds by kind of convolution, in millions, as they are counted in the literature.
std::map<std::string, double> multiply_adds_by_kind(const graph::Graph& graph, const Shape& input) {
  const auto shapes = graph::infer_shapes(graph, input);
  std::map<std::string, double> millions;
  for (const graph::Node& node : graph.nodes()) {
    const auto* conv = std::get_if<graph::Convolution>(&node.op);
    if (conv == nullptr) continue;
    const auto inputs = graph::input_shapes(node, shapes);
    const char* const kind = inputs[0].c == 3    ? "first"
                             : conv->groups > 1  ? "depthwise"
                             : conv->kernel == 1 ? "1x1"
                                                 : "3x3";
    millions[kind] += static_cast<double>(graph::multiply_adds(node.op, inputs)) / 1e6;
  }
  return millions;
}

TEST(Mnet025, HasTheCostOfThePublicNetwork) {
  auto vga = multiply_adds_by_kind(network("mnet025"), {1, 3, 480, 640});
  EXPECT_NEAR(vga["3x3"], 438.9, 0.05);
  EXPECT_NEAR(vga["1x1"], 253.8, 0.06);
  EXPECT_NEAR(vga["depthwise"], 26.6, 0.05);
  EXPECT_NEAR(vga["first"], 16.6, 0.05);
  EXPECT_NEAR(vga["3x3"] + vga["1x1"] + vga["depthwise"] + vga["first"], 735.9, 0.05);
}

/// Learnt values, those whose names start with `prefix`.
std::int64_t count_learnt(const graph::Graph& graph, std::string_view prefix = "") {
  std::int64_t learnt = 0;
  for (const auto& parameter : graph::parameters(graph)) {
    if (!parameter.name.starts_with(prefix) ||
        parameter.name.find(".running_") != std::string::npos) {
      continue;
    }
    std::int64_t elements = 1;
    for (const auto extent : parameter.shape) elements *= extent;
    learnt += elements;
  }
  return learnt;
}

TEST(Mnet025, HasTheParametersOfThePublicCheckpoint) {
  const graph::Graph graph = network("mnet025");
  // 47 convolutions without bias and as many normalisations of four tensors, nine heads of two.
  EXPECT_EQ(graph::parameters(graph).size(), 47U * 5 + 9 * 2);
  EXPECT_EQ(count_learnt(graph), 426'608);
}

double giga_multiply_adds(const graph::Graph& graph, const Shape& input, std::string_view prefix) {
  const auto shapes = graph::infer_shapes(graph, input);
  double giga = 0;
  for (const graph::Node& node : graph.nodes()) {
    if (!node.name.starts_with(prefix)) continue;
    giga +=
        static_cast<double>(graph::multiply_adds(node.op, graph::input_shapes(node, shapes))) / 1e9;
  }
  return giga;
}

/// torchvision's documentation counts the classifiers: 11,689,512, 25,557,032 and 60,192,808
/// parameters, of which the last layer has 1000 x (channels + 1); 1.81, 4.09 and 11.51 G
/// multiply-adds at 224 x 224.
TEST(ResNets, HaveTheParametersAndCostOfTorchvisions) {
  EXPECT_EQ(count_learnt(network("resnet18"), "body."), 11'689'512 - 1000 * 513);
  EXPECT_EQ(count_learnt(network("resnet50"), "body."), 25'557'032 - 1000 * 2049);
  EXPECT_EQ(count_learnt(network("resnet152"), "body."), 60'192'808 - 1000 * 2049);
  const Shape input = {1, 3, 224, 224};
  EXPECT_NEAR(giga_multiply_adds(network("resnet18"), input, "body."), 1.81, 0.006);
  EXPECT_NEAR(giga_multiply_adds(network("resnet50"), input, "body."), 4.09, 0.006);
  EXPECT_NEAR(giga_multiply_adds(network("resnet152"), input, "body."), 11.51, 0.006);
}

TEST(ResNets, HaveTorchvisionsNamesAndShapes) {
  std::map<std::string, std::vector<std::int64_t>> shapes;
  for (auto& parameter : graph::parameters(network("resnet50"))) {
    shapes.emplace(parameter.name, parameter.shape);
  }
  using Extents = std::vector<std::int64_t>;
  EXPECT_EQ(shapes["body.conv1.weight"], (Extents{64, 3, 7, 7}));
  EXPECT_EQ(shapes["body.bn1.running_var"], (Extents{64}));
  EXPECT_EQ(shapes["body.layer1.0.downsample.0.weight"], (Extents{256, 64, 1, 1}));
  EXPECT_EQ(shapes["body.layer2.0.conv1.weight"], (Extents{128, 256, 1, 1}));
  EXPECT_EQ(shapes["body.layer2.0.downsample.1.bias"], (Extents{512}));
  EXPECT_EQ(shapes["body.layer3.5.conv2.weight"], (Extents{256, 256, 3, 3}));
  EXPECT_EQ(shapes["body.layer4.2.bn3.weight"], (Extents{2048}));
  EXPECT_FALSE(shapes.contains("body.layer1.1.downsample.0.weight"));
}

/// 27,293,600 parameters are what PyTorch counts for the public network.
TEST(ResNet50Public, HasTheParametersAndCostOfThePublicNetwork) {
  const graph::Graph graph = network("resnet50-public");
  EXPECT_EQ(count_learnt(graph), 27'293'600);
  EXPECT_NEAR(giga_multiply_adds(graph, {1, 3, 480, 640}, ""), 33.198, 0.0005);
}

TEST(PaperRows, DifferByTheirOptions) {
  const std::int64_t plain = count_learnt(network("resnet50"));
  // Three merges and the first two convolutions of each context module read 256 channels, the
  // other three of each 64; 27 outputs with a bias each.
  const std::int64_t offsets = 27 * (9 * (256 * (3 + 5 * 2) + 64 * 5 * 3) + 3 + 5 * 5);
  EXPECT_EQ(count_learnt(network("resnet50+dcn")), plain + offsets);
  const std::int64_t heads = 3 * (2 + 4 + 10) * (256 + 1);
  EXPECT_EQ(count_learnt(network("resnet50+shared-heads")), plain - 4 * heads);
  EXPECT_EQ(count_learnt(network("resnet50+dcn+shared-heads")), plain + offsets - 4 * heads);
  const auto deformable = [](const graph::Graph& graph) {
    return std::ranges::count_if(graph.nodes(), [](const graph::Node& node) {
      return std::holds_alternative<graph::DeformableConvolution>(node.op);
    });
  };
  EXPECT_EQ(deformable(network("resnet152+dcn")), 3 + 5 * 5);
  EXPECT_EQ(deformable(network("resnet152")), 0);
}

TEST(PaperRows, HaveThePapersAnchors) {
  const AnchorFamily& family = find_model("resnet50").detector().anchors;
  // The paper's table 1, which cuts 161.2699 off.
  const std::vector<std::vector<double>> sizes = {{16, 20.16, 25.40},
                                                  {32, 40.32, 50.80},
                                                  {64, 80.63, 101.59},
                                                  {128, 161.26, 203.19},
                                                  {256, 322.54, 406.37}};
  ASSERT_EQ(family.levels.size(), sizes.size());
  for (std::size_t l = 0; l < sizes.size(); ++l) {
    EXPECT_EQ(family.levels[l].stride_px, 4 << l);
    ASSERT_EQ(family.levels[l].sizes_px.size(), 3U);
    for (std::size_t i = 0; i < 3; ++i) {
      EXPECT_NEAR(family.levels[l].sizes_px[i], sizes[l][i], 0.01);
    }
  }
}

TEST(Mnet025Light, ReadsTheImageCoarsely) {
  const graph::Graph graph = network("mnet025-light");
  const auto& stem = std::get<graph::Convolution>(graph.nodes()[1].op);
  EXPECT_EQ(stem.kernel, 7);
  EXPECT_EQ(stem.stride, 4);
  // Fewer cells in the first layers, the same behind them.
  const Shape vga = {1, 3, 480, 640};
  EXPECT_LT(giga_multiply_adds(graph, vga, "body.stage1"),
            giga_multiply_adds(network("mnet025"), vga, "body.stage1"));
  EXPECT_EQ(giga_multiply_adds(graph, vga, "body.stage2"),
            giga_multiply_adds(network("mnet025"), vga, "body.stage2"));
  EXPECT_EQ(giga_multiply_adds(graph, vga, "ssh"),
            giga_multiply_adds(network("mnet025"), vga, "ssh"));
}

TEST(ShallowRows, CostNoMoreThanTheyAreMeantTo) {
  const Shape vga = {1, 3, 480, 640};
  EXPECT_LE(giga_multiply_adds(network("shallow-700m"), vga, ""),
            giga_multiply_adds(network("mnet025"), vga, ""));
  EXPECT_NEAR(giga_multiply_adds(network("shallow-700m"), vga, ""), 0.7273, 0.00005);
  EXPECT_LE(giga_multiply_adds(network("shallow-2500m"), vga, ""), 2.5);
  // A far smaller part of the backbone's work is done from stride 16 on than of MobileNet's.
  const auto coarse_share = [&](const char* name, const char* third, const char* fourth) {
    const graph::Graph graph = network(name);
    return (giga_multiply_adds(graph, vga, third) + giga_multiply_adds(graph, vga, fourth)) /
           giga_multiply_adds(graph, vga, "body.");
  };
  const double mobilenet = coarse_share("mnet025", "body.stage2", "body.stage3");
  for (const char* name : {"shallow-700m", "shallow-2500m"}) {
    EXPECT_LT(coarse_share(name, "body.stage3", "body.stage4"), 0.6 * mobilenet) << name;
  }
}

/// What the CPU's own kernels take: whole blocks of 16 channels, and 3x3 at stride 2 depthwise.
TEST(ShallowRows, FitTheKernels) {
  for (const char* name : {"shallow-700m", "shallow-2500m"}) {
    const graph::Graph graph = network(name);
    for (const graph::Node& node : graph.nodes()) {
      const auto* conv = std::get_if<graph::Convolution>(&node.op);
      if (conv == nullptr || node.name.starts_with("body.stem") ||
          node.name.find("Head") != std::string::npos) {
        continue;
      }
      EXPECT_EQ(conv->out_channels % 16, 0) << name << " " << node.name;
      if (conv->stride > 1) {
        EXPECT_EQ(conv->groups, conv->out_channels) << name << " " << node.name;
      }
    }
  }
}

TEST(Catalogue, RowsAgreeWithTheirGraphs) {
  for (const Model& model : catalogue()) {
    const graph::Graph graph = model.network.build();
    for (const auto& [height, width] : {std::pair{1, 1}, {33, 50}, {64, 31}, {480, 640}}) {
      const auto shapes = graph::infer_shapes(graph, {1, 3, height, width});
      for (std::size_t l = 0; l < model.detector().anchors.levels.size(); ++l) {
        const AnchorLevel& level = model.detector().anchors.levels[l];
        const auto anchors = static_cast<std::int64_t>(level.sizes_px.size());
        const auto cells = [&](int side) { return (side + level.stride_px - 1) / level.stride_px; };
        for (const auto& [head, values] : {std::pair{"cls", 2}, {"box", 4}, {"landmarks", 10}}) {
          const int output = graph.find_output(fmt::format("{}.{}", head, l));
          ASSERT_GE(output, 0) << head << l;
          const auto node = graph.outputs()[static_cast<std::size_t>(output)].node;
          EXPECT_EQ(shapes[static_cast<std::size_t>(node)],
                    (Shape{1, anchors * values, cells(height), cells(width)}))
              << model.name << " " << head << l << " at " << width << "x" << height;
        }
      }
    }
    EXPECT_FALSE(model.summary.empty());
    EXPECT_EQ(&find_model(model.name), &model);
  }
}

TEST(Catalogue, NamesWhatThereIs) {
  const Error error = error_of([] { find_model("mnet999"); });
  EXPECT_EQ(error.code(), ErrorCode::kNotFound);
  EXPECT_THAT(error.what(), AllOf(HasSubstr("'mnet999'"), HasSubstr("mnet025")));
}

}  // namespace
}  // namespace retinaface::models
