#include "models/catalogue.h"

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <map>
#include <nlohmann/json.hpp>
#include <string>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/file.h"
#include "graph/operators.h"
#include "models/mnet025.h"
#include "support/testing.h"

namespace retinaface::models {
namespace {

using graph::Shape;
using ::testing::AllOf;
using ::testing::ElementsAre;
using testing::error_of;
using ::testing::HasSubstr;
using ::testing::StartsWith;
using testing::TemporaryFolder;

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
  auto vga = multiply_adds_by_kind(mnet025(), {1, 3, 480, 640});
  EXPECT_NEAR(vga["3x3"], 438.9, 0.05);
  EXPECT_NEAR(vga["1x1"], 253.8, 0.06);
  EXPECT_NEAR(vga["depthwise"], 26.6, 0.05);
  EXPECT_NEAR(vga["first"], 16.6, 0.05);
  EXPECT_NEAR(vga["3x3"] + vga["1x1"] + vga["depthwise"] + vga["first"], 735.9, 0.05);
}

TEST(Mnet025, HasTheParametersOfThePublicCheckpoint) {
  std::size_t tensors = 0;
  std::int64_t learned = 0;
  for (const auto& parameter : graph::parameters(mnet025())) {
    ++tensors;
    if (parameter.name.find(".running_") != std::string::npos) continue;
    std::int64_t elements = 1;
    for (const auto extent : parameter.shape) elements *= extent;
    learned += elements;
  }
  // 47 convolutions without bias and as many normalisations of four tensors, nine heads of two.
  EXPECT_EQ(tensors, 47U * 5 + 9 * 2);
  EXPECT_EQ(learned, 426'608);
}

TEST(Catalogue, RowsAgreeWithTheirGraphs) {
  for (const Model& model : catalogue()) {
    const graph::Graph graph = model.build();
    for (const auto& [height, width] : {std::pair{1, 1}, {33, 50}, {64, 31}, {480, 640}}) {
      const auto shapes = graph::infer_shapes(graph, {1, 3, height, width});
      for (std::size_t l = 0; l < model.anchors.levels.size(); ++l) {
        const AnchorLevel& level = model.anchors.levels[l];
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

TEST(Metadata, SaysWhatOtherProgramsNeed) {
  auto entries = metadata(find_model("mnet025"));
  EXPECT_EQ(entries["format"], "1");
  EXPECT_EQ(entries["model"], "mnet025");
  using nlohmann::json;
  EXPECT_EQ(json::parse(entries["preprocessing"]),
            json::parse(R"({"channels": "bgr", "mean": [104, 117, 123]})"));
  const json anchors = json::parse(entries["anchors"]);
  EXPECT_EQ(anchors["levels"], json::parse(R"([{"stride": 8, "sizes": [16, 32]},
                                               {"stride": 16, "sizes": [64, 128]},
                                               {"stride": 32, "sizes": [256, 512]}])"));
  EXPECT_NEAR(anchors["variances"][0].get<double>(), 0.1, 1e-6);
  EXPECT_NEAR(anchors["variances"][1].get<double>(), 0.2, 1e-6);
}

/// A file that fits the row, to be spoilt.
graph::Weights good_weights() {
  const Model& model = find_model("mnet025");
  graph::Weights weights = graph::random_weights(model.build(), 1);
  weights.metadata = metadata(model);
  return weights;
}

TEST(LoadModel, ReadsWhatItsMetadataNames) {
  const TemporaryFolder folder;
  const graph::Weights written = good_weights();
  write_safetensors(folder / "m.safetensors", written);
  for (const LoadedModel& loaded :
       {load_model(folder / "m.safetensors"),
        load_model_by_name_or_path((folder / "m.safetensors").string())}) {
    EXPECT_EQ(loaded.model, &find_model("mnet025"));
    const auto& name = "body.stage1.0.0.weight";
    EXPECT_TRUE(std::ranges::equal(loaded.weights.at(name).values, written.at(name).values));
    EXPECT_GT(loaded.graph.nodes().size(), 100U);
  }
}

TEST(LoadModel, NamesFileAndFault) {
  const TemporaryFolder folder;
  const auto complaint = [&](const graph::Weights& weights) {
    write_safetensors(folder / "m.safetensors", weights);
    const Error error = error_of([&] { load_model(folder / "m.safetensors"); });
    EXPECT_EQ(error.code(), ErrorCode::kBadData);
    EXPECT_THAT(error.what(), StartsWith((folder / "m.safetensors").string() + ": "));
    return std::string(error.what());
  };
  graph::Weights weights = good_weights();
  weights.metadata.erase("model");
  EXPECT_THAT(complaint(weights), AllOf(HasSubstr("names no model"), HasSubstr("import")));
  weights.metadata["model"] = "resnet9000";
  EXPECT_THAT(complaint(weights), AllOf(HasSubstr("'resnet9000'"), HasSubstr("mnet025")));
  weights.metadata["model"] = "mnet025";
  weights.tensors.erase("fpn.merge1.0.weight");
  EXPECT_THAT(complaint(weights), HasSubstr("missing: fpn.merge1.0.weight"));

  write_file_atomically(folder / "text.safetensors", std::string("not weights at all"));
  EXPECT_EQ(error_of([&] { load_model(folder / "text.safetensors"); }).code(), ErrorCode::kBadData);
}

TEST(LoadModel, TellsAMistypedNameFromAMissingFile) {
  EXPECT_THAT(error_of([] { load_model_by_name_or_path("mnet052"); }).what(),
              HasSubstr("no model is called 'mnet052'; there are: mnet025"));
  const Error error = error_of([] { load_model_by_name_or_path("weights/none.safetensors"); });
  EXPECT_EQ(error.code(), ErrorCode::kNotFound);
  EXPECT_THAT(error.what(), StartsWith("weights/none.safetensors: "));
}

TEST(BuiltinModel, IsTheDefaultOne) {
  const LoadedModel loaded = load_builtin_model(kDefaultModel);
  EXPECT_EQ(loaded.model->name, kDefaultModel);
  EXPECT_EQ(load_model_by_name_or_path(std::string(kDefaultModel)).model, loaded.model);
  for (const auto& [name, tensor] : loaded.weights.tensors) {
    for (const float value : tensor.values) ASSERT_TRUE(std::isfinite(value)) << name;
  }
  // What its file says of preprocessing and anchors, if anything, is what the row says.
  const auto row = metadata(*loaded.model);
  for (const auto& [key, value] : loaded.weights.metadata) {
    const auto same = row.find(key);
    EXPECT_TRUE(same == row.end() || same->second == value) << key;
  }
  EXPECT_EQ(error_of([] { load_builtin_model("none"); }).code(), ErrorCode::kNotFound);
}

}  // namespace
}  // namespace retinaface::models
