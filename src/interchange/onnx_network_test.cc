#include "interchange/onnx_network.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "graph/operators.h"
#include "interchange/onnx_testing.h"
#include "runtime/reference/reference.h"
#include "runtime/testing.h"
#include "support/testing.h"

namespace retinaface::interchange {
namespace {

using retinaface::testing::error_of;
using testing::Attributes;
using ::testing::ElementsAre;
using testing::FileBuilder;
using ::testing::HasSubstr;
using testing::Integers;
using testing::read;

/// Its outputs, planar, for an image of noise.
std::vector<std::vector<float>> run(const OnnxNetwork& network, std::int64_t height = 16,
                                    std::int64_t width = 24) {
  const auto made = runtime::make_reference_network(network.graph, network.weights);
  return runtime::testing::outputs_for_noise(network.graph, *made->new_session(), height, width, 3);
}

std::string refusal(const std::function<void(FileBuilder&)>& build) {
  FileBuilder builder;
  build(builder);
  if (builder.model().outputs.empty()) builder.output(builder.model().nodes.back().output);
  return error_of([&] { read_network(builder.file(), "test"); }).what();
}

TEST(OnnxNetwork, OperatorsOnSingleValuesMeanWhatOnnxSays) {
  FileBuilder b;
  const std::string x = b.conv("x", 3, 4);
  const std::vector<std::pair<std::string, std::function<float(float, int)>>> cases = {
      {b.add("Relu", {x}), [](float v, int) { return std::max(v, 0.0F); }},
      {b.add("LeakyRelu", {x}), [](float v, int) { return v > 0 ? v : 0.01F * v; }},
      {b.add("LeakyRelu", {x}, {{"alpha", 0.3F}}),
       [](float v, int) { return v > 0 ? v : 0.3F * v; }},
      {b.add("PRelu", {x, b.floats({4, 1, 1}, {0, 1, 2, -1})}),
       [](float v, int c) {
         return v > 0 ? v : v * std::vector<float>{0, 1, 2, -1}[static_cast<std::size_t>(c)];
       }},
      {b.add("Sigmoid", {x}), [](float v, int) { return 1 / (1 + std::exp(-v)); }},
      {b.add("Clip", {x, b.floats({}, {-0.1F}), b.floats({}, {0.2F})}),
       [](float v, int) { return std::clamp(v, -0.1F, 0.2F); }},
      {b.add("Clip", {x, "", b.floats({}, {0.2F})}),
       [](float v, int) { return std::min(v, 0.2F); }},
      {b.add("Mul", {x, b.floats({}, {3})}), [](float v, int) { return 3 * v; }},
      {b.add("Mul", {b.floats({1, 4, 1, 1}, {1, 2, 3, 4}), x}),
       [](float v, int c) { return static_cast<float>(c + 1) * v; }},
      {b.add("Add", {x, b.floats({4, 1, 1}, {1, 2, 3, 4})}),
       [](float v, int c) { return v + static_cast<float>(c + 1); }},
      {b.add("Sub", {x, b.floats({1}, {2})}), [](float v, int) { return v - 2; }},
      {b.add("Sub", {b.floats({1}, {2}), x}), [](float v, int) { return 2 - v; }},
      {b.add("Div", {x, b.floats({1}, {4})}), [](float v, int) { return v / 4; }},
      {b.add("Dropout", {b.add("Identity", {x})}), [](float v, int) { return v; }},
  };
  b.output(x);
  for (const auto& [name, meaning] : cases) b.output(name);
  const auto outputs = run(read(b));
  const std::vector<float>& in = outputs[0];
  for (std::size_t i = 0; i < cases.size(); ++i) {
    for (std::size_t at = 0; at < in.size(); ++at) {
      ASSERT_NEAR(outputs[i + 1][at], cases[i].second(in[at], static_cast<int>(at / (16 * 24))),
                  1e-5)
          << b.model().nodes[i + 1].op << " number " << i << " at " << at;
    }
  }
}

TEST(OnnxNetwork, LayersBecomeOperatorsWithTheFilesValues) {
  FileBuilder b;
  const std::string conv = b.conv("x", 3, 6, 2);
  const std::string norm =
      b.add("BatchNormalization",
            {conv, b.noise({6}), b.noise({6}), b.noise({6}), b.floats({6}, {1, 2, 3, 4, 5, 6})},
            {{"epsilon", 0.25F}});
  b.output(b.add("MaxPool", {norm},
                 {{"kernel_shape", Integers{2, 2}},
                  {"strides", Integers{2, 2}},
                  {"ceil_mode", std::int64_t{1}}}));
  b.output(b.add("AveragePool", {norm},
                 {{"kernel_shape", Integers{3, 3}},
                  {"strides", Integers{2, 2}},
                  {"pads", Integers{1, 1, 1, 1}}}));
  b.output(b.add("Mul", {norm, b.add("GlobalAveragePool", {norm})}));
  b.output(b.add("Div", {norm, conv}));
  b.output(b.add("Pad", {norm, b.integers({0, 0, 1, 2, 0, 0, 3, 0}), b.floats({}, {0.5F})}));
  b.output(b.add("Pad", {norm}, {{"pads", Integers{0, 0, 0, 0, 0, 0, 0, 4}}}));
  b.output(b.add("Pad", {norm, b.integers({0, 0, 0, 0, 0, 0, 0, 0})}));
  const std::string places = b.add("Transpose", {b.add("Conv", {conv, b.noise({2, 6, 1, 1})})},
                                   {{"perm", Integers{0, 2, 3, 1}}});
  b.output(b.add("GridSample", {norm, places}));
  b.output(
      b.add("GridSample", {norm, places},
            {{"mode", "nearest"}, {"padding_mode", "border"}, {"align_corners", std::int64_t{1}}}));
  b.output(b.add("Concat", {norm, conv}, {{"axis", std::int64_t{1}}}));
  b.output(
      b.add("Slice", {norm, b.integers({1}), b.integers({4}), b.integers({1}), b.integers({2})}));
  const OnnxNetwork network = read(b);
  std::vector<graph::Operator> ops;
  for (const graph::Node& node : network.graph.nodes()) ops.push_back(node.op);
  EXPECT_THAT(
      ops,
      ElementsAre(graph::Input{3},
                  graph::Convolution{
                      .out_channels = 6, .kernel = 3, .stride = 2, .padding = 1, .bias = true},
                  graph::BatchNorm{0.25F}, graph::MaxPool{2, 2, 0, true},
                  graph::AveragePool{3, 2, 1, false}, graph::GlobalAveragePool{},
                  graph::Arithmetic{graph::Arithmetic::Kind::kMultiply},
                  graph::Arithmetic{graph::Arithmetic::Kind::kDivide}, graph::Pad{1, 2, 3, 0, 0.5F},
                  graph::Pad{0, 0, 0, 4, 0}, graph::Convolution{.out_channels = 2},
                  graph::GridSample{}, graph::GridSample{true, true, true}, graph::Concat{},
                  graph::Convolution{.out_channels = 2}));
  const auto outputs = run(network);
  const std::size_t plane = 8 * 12;
  const std::vector<float>& joined = outputs[9];
  for (std::size_t i = 0; i < plane; ++i) {  // channels 1 and 3
    EXPECT_EQ(outputs[10][i], joined[plane + i]);
    EXPECT_EQ(outputs[10][plane + i], joined[3 * plane + i]);
  }
}

TEST(OnnxNetwork, AMatrixOfTheWholeMapIsAConvolution) {
  FileBuilder b(8, 8);
  const std::string conv = b.conv("x", 3, 2, 2);  // 2 x 4 x 4
  const std::string flat = b.add("Flatten", {conv});
  b.output(conv);
  b.output(b.add("Gemm", {flat, b.noise({5, 32}), b.noise({5})}, {{"transB", std::int64_t{1}}}));
  b.output(b.add("MatMul", {flat, b.noise({32, 5})}));
  const OnnxNetwork network = read(b);
  const auto outputs = run(network, 8, 8);
  const auto& transposed = std::get<std::vector<float>>(b.model().constants[2].values);
  const auto& bias = std::get<std::vector<float>>(b.model().constants[3].values);
  const auto& plain = std::get<std::vector<float>>(b.model().constants[4].values);
  for (std::size_t o = 0; o < 5; ++o) {
    double first = double{bias[o]};
    double second = 0;
    for (std::size_t i = 0; i < 32; ++i) {
      first += double{outputs[0][i]} * double{transposed[o * 32 + i]};
      second += double{outputs[0][i]} * double{plain[i * 5 + o]};
    }
    EXPECT_NEAR(outputs[1][o], first, 1e-5);
    EXPECT_NEAR(outputs[2][o], second, 1e-5);
  }
}

/// A pyramid's resize, its size told in each of the ways that exporters have: the network becomes
/// one for any size.
TEST(OnnxNetwork, AResizeIsToTheSizeOfAMap) {
  enum class Way { kScales, kUpsample, kShape, kArithmetic, kFixed };
  for (const Way way : {Way::kScales, Way::kUpsample, Way::kShape, Way::kArithmetic, Way::kFixed}) {
    FileBuilder b;
    const std::string fine = b.conv("x", 3, 4);
    const std::string coarse = b.conv(fine, 4, 4, 2);
    std::string up;
    const Attributes nearest = {{"mode", "nearest"},
                                {"coordinate_transformation_mode", "asymmetric"},
                                {"nearest_mode", "floor"}};
    const auto side = [&](const std::string& map, std::int64_t i) {
      return b.add("Gather", {b.add("Shape", {map}), b.integers({i})});
    };
    if (way == Way::kScales) {
      up = b.add("Resize", {coarse, "", b.floats({4}, {1, 1, 2, 2})}, nearest);
    } else if (way == Way::kUpsample) {
      b.model().opset = 9;
      up = b.add("Upsample", {coarse, b.floats({4}, {1, 1, 2, 2})}, {{"mode", "nearest"}});
    } else {
      std::string sizes;
      if (way == Way::kShape) {
        const std::string own = b.add(
            "Slice", {b.add("Shape", {coarse}), b.integers({0}), b.integers({2}), b.integers({0})});
        sizes = b.add("Concat", {own, side(fine, 2), side(fine, 3)}, {{"axis", std::int64_t{0}}});
      } else if (way == Way::kArithmetic) {
        const auto doubled = [&](std::int64_t i) {
          const std::string number = b.add("Cast", {side(coarse, i)}, {{"to", kOnnxFloat}});
          return b.add("Cast", {b.add("Floor", {b.add("Mul", {number, b.floats({}, {2})})})},
                       {{"to", std::int64_t{7}}});
        };
        sizes = b.add("Concat", {b.integers({1, 4}), doubled(2), doubled(3)},
                      {{"axis", std::int64_t{0}}});
      } else {
        sizes = b.integers({1, 4, 16, 24});
      }
      up = b.add("Resize", {coarse, "", "", sizes}, nearest);
    }
    b.output(b.add("Add", {fine, up}));
    const OnnxNetwork network = read(b);
    // At another size, and an odd one.
    EXPECT_EQ(graph::size_problem(network.graph, {1, 3, 33, 47}), "") << static_cast<int>(way);
    EXPECT_EQ(network.graph.nodes()[3].op, graph::Operator(graph::UpsampleLike{}));
    EXPECT_THAT(network.graph.nodes()[3].inputs, ElementsAre(2, 1));
  }
}

TEST(OnnxNetwork, RowsAreRowsHoweverTheyAreMade) {
  FileBuilder b;
  const std::string map = b.conv("x", 3, 8);
  const std::string cells = b.add("Transpose", {map}, {{"perm", Integers{0, 2, 3, 1}}});
  const std::string open = b.add("Reshape", {cells, b.integers({1, -1, 4})});
  const std::string fixed = b.add("Reshape", {cells, b.integers({1, 768, 4})});
  const std::string batch = b.add("Gather", {b.add("Shape", {map}), b.integers({0})});
  const std::string told =
      b.add("Reshape", {cells, b.add("Concat", {batch, b.integers({-1}), b.integers({4})},
                                     {{"axis", std::int64_t{0}}})});
  const std::string flat = b.add("Reshape", {cells, b.integers({-1, 4})});
  const std::string planes = b.add("Transpose", {b.add("Reshape", {map, b.integers({1, 8, -1})})},
                                   {{"perm", Integers{0, 2, 1}}});
  b.output(open);
  b.output(fixed);
  b.output(told);
  b.output(flat);
  b.output(b.add("Concat", {open, b.add("Sigmoid", {told})}, {{"axis", std::int64_t{1}}}));
  b.output(planes);
  const OnnxNetwork network = read_network(b.file(), "test");
  for (int i = 0; i < 4; ++i) {
    const ArrangedMaps& value = network.outputs[static_cast<std::size_t>(i)].value;
    EXPECT_EQ(value.arrangement, Arrangement::kRows);
    EXPECT_EQ(value.values, 4);
    EXPECT_THAT(value.maps, ElementsAre(1));
    EXPECT_EQ(value.has_batch, i != 3);
  }
  EXPECT_THAT(network.outputs[4].value.maps, ElementsAre(1, 2));
  EXPECT_EQ(network.outputs[5].value.values, 8);
}

TEST(OnnxNetwork, SharedWeightsAreOneSetOfParameters) {
  FileBuilder b;
  const std::string first = b.conv("x", 3, 4);
  const std::string weight = b.noise({4, 4, 1, 1});
  b.output(b.add("Conv", {first, weight}));
  b.output(b.add("Conv", {b.add("Relu", {first}), weight}));
  const OnnxNetwork network = read(b);
  EXPECT_EQ(network.graph.nodes().back().shared_with, network.graph.nodes()[2].name);
  EXPECT_EQ(network.weights.tensors.size(), 3U);
}

TEST(OnnxNetwork, RefusesByNameWhatItCannotExpress) {
  using Build = std::function<void(FileBuilder&)>;
  const auto conv_with = [](const Attributes& attributes, const Integers& weight = {4, 3, 3, 3}) {
    return [=](FileBuilder& b) { b.add("Conv", {"x", b.noise(weight)}, attributes); };
  };
  const std::pair<Build, std::string> cases[] = {
      {[](FileBuilder& b) { b.add("Einsum", {"x"}); }, "Einsum 'node.v0': is not among"},
      {[](FileBuilder& b) { b.add("Relu", {"nothing"}); }, "'nothing' is made by no node before"},
      {conv_with({{"dilations", Integers{2, 2}}}), "dilations of 1"},
      {conv_with({{"strides", Integers{1, 2}}}), "strides alike"},
      {conv_with({{"pads", Integers{0, 0, 1, 1}}}), "the same padding"},
      {conv_with({{"auto_pad", "SAME_UPPER"}, {"strides", Integers{2, 2}}}), "may differ"},
      {conv_with({}, {4, 3, 1, 3}), "two sides alike"},
      {conv_with({}, {4, 2, 3, 3}), "do not fit 3 channels"},
      {conv_with({{"group", std::int64_t{0}}}), "has 0 groups"},
      {conv_with({{"strides", std::int64_t{1}}}), "another type"},
      {[](FileBuilder& b) {
         b.add("Conv", {"x", b.noise({4, 3, 999, 999})});
       },
       "does not fit"},
      {[](FileBuilder& b) {
         b.add("Add", {"x", b.conv("x", 3, 3, 2)});
       },
       "maps of one size"},
      {[](FileBuilder& b) {
         b.add("Mul", {"x", b.noise({2, 1, 1})});
       },
       "neither one number"},
      {[](FileBuilder& b) {
         b.add("Reshape", {"x", b.integers({1, 3, 7, -1})});
       },
       "a shape of"},
      {[](FileBuilder& b) {
         b.add("Reshape", {"x", b.integers({1, 2, 24, 24})});
       },
       "cannot arrange"},
      {[](FileBuilder& b) {
         b.add("Transpose", {"x"}, {{"perm", Integers{0, 1, 3, 2}}});
       },
       "cannot reorder"},
      {[](FileBuilder& b) {
         b.add("Resize", {"x", "", b.floats({4}, {1, 1, 2, 2})}, {{"mode", "linear"}});
       },
       "the mode 'nearest'"},
      {[](FileBuilder& b) {
         b.add("Resize", {"x", "", b.floats({4}, {1, 1, 2, 2})}, {{"mode", "nearest"}});
       },
       "which no map before has"},
      {[](FileBuilder& b) {
         b.add("Softmax", {"x"}, {{"axis", std::int64_t{3}}});
       },
       "along the channels"},
      {[](FileBuilder& b) {
         b.model().opset = 99;
         b.add("Relu", {"x"});
       },
       "operator set 7 to 25"},
      {[](FileBuilder& b) {
         b.model().nodes.push_back({"Relu", "n", {"x"}, "y", {}, "my.domain"});
       },
       "Relu 'n': is not among"},
  };
  for (const auto& [build, message] : cases) EXPECT_THAT(refusal(build), HasSubstr(message));
}

TEST(OnnxParse, RefusesWhatIsDamagedAndWhatLiesElsewhere) {
  FileBuilder b;
  b.output(b.conv("x", 3, 4));
  const std::string good = serialize(b.model());
  const auto parse = [](const std::string& content) {
    return error_of([&] { parse_onnx(std::as_bytes(std::span(content)), "f.onnx"); });
  };
  for (std::size_t length = 0; length < good.size(); length += 7) {
    const std::string cut = good.substr(0, length);
    try {
      const OnnxModel model = parse_onnx(std::as_bytes(std::span(cut)), "f.onnx");
      EXPECT_LT(model.metadata.size(), 1U);  // cut between two fields of the file itself
    } catch (const Error& error) {
      EXPECT_THAT(error.what(), HasSubstr("f.onnx: "));
    }
  }
  EXPECT_THAT(parse("GIF89a..").what(), HasSubstr("is no ONNX file"));
  // TensorProto of the graph: data_location EXTERNAL (14: 1).
  const std::string external("\x3a\x04\x2a\x02\x70\x01", 6);
  EXPECT_THAT(parse(external).what(), HasSubstr("lies in another file"));
  // dims (1) of 3, float (2: 1), and no values.
  const std::string empty("\x3a\x06\x2a\x04\x08\x03\x10\x01", 8);
  EXPECT_THAT(parse(empty).what(), HasSubstr("has 0 values"));
}

}  // namespace
}  // namespace retinaface::interchange
