#include "models/load_model.h"

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/file.h"
#include "models/input_shape.h"
#include "models/model_argument.h"
#include "support/made_recognizer.h"
#include "support/testing.h"

namespace retinaface::models {
namespace {

using ::testing::AllOf;
using testing::error_of;
using ::testing::HasSubstr;
using ::testing::StartsWith;
using testing::TemporaryFolder;

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
  graph::Weights weights = graph::random_weights(model.network.build(), 1);
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
    EXPECT_TRUE(std::ranges::equal(loaded.weights.at(name).values(), written.at(name).values()));
    EXPECT_GT(loaded.graph.nodes().size(), 100U);
  }
}

TEST(LoadModel, LeavesTheMeshBranchForLaterAndKeepsIt) {
  const TemporaryFolder folder;
  graph::Weights written = good_weights();
  write_safetensors(folder / "plain.safetensors", written);
  EXPECT_FALSE(load_model(folder / "plain.safetensors", MeshReading::kLater).has_mesh());
  written.metadata[std::string(kMeshMarkKey)] = mesh_mark(written);
  written.tensors.emplace("mesh.part", graph::Tensor::of_shape({2, 3}));
  write_safetensors(folder / "m.safetensors", written);
  const LoadedModel loaded = load_model(folder / "m.safetensors", MeshReading::kLater);
  EXPECT_TRUE(loaded.has_mesh());
  EXPECT_TRUE(loaded.mesh.tensors.empty());
  write_safetensors(folder / "m.safetensors", good_weights());  // another one by now
  const LoadedModel whole = loaded.with_mesh();
  EXPECT_TRUE(whole.has_mesh());
  EXPECT_EQ(whole.with_mesh, nullptr);
  EXPECT_EQ(whole.source, loaded.source);
  EXPECT_EQ(whole.origin, WeightsOrigin::kFile);
  EXPECT_EQ(whole.mesh.at("mesh.part").shape, (std::vector<std::int64_t>{2, 3}));
  EXPECT_EQ(whole.mesh.metadata.at(std::string(kMeshMarkKey)), mesh_mark(whole.weights));
  EXPECT_EQ(mesh_mark(loaded.weights), mesh_mark(whole.weights));
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

TEST(LoadModel, RefusesALaterFormat) {
  const TemporaryFolder folder;
  const std::string file = (folder / "m.safetensors").string();
  graph::Weights weights = good_weights();
  weights.metadata["format"] = "2";
  write_safetensors(file, weights);
  for (const Error& error : {error_of([&] { load_model(file); }),
                             error_of([&] { load_weights_by_name_or_path(file); })}) {
    EXPECT_EQ(error.code(), ErrorCode::kUnsupported);
    EXPECT_THAT(error.what(),
                AllOf(StartsWith(file + ": "), HasSubstr("'2'"), HasSubstr("newer version")));
  }
  weights.metadata.erase("format");
  write_safetensors(file, weights);
  EXPECT_EQ(load_model(file).model, &find_model("mnet025"));
  // What is no model of ours may say something else.
  weights.metadata = {{"format", "pt"}};
  write_safetensors(file, weights);
  EXPECT_THAT(error_of([&] { load_model(file); }).what(), HasSubstr("names no model"));
  EXPECT_EQ(load_weights_by_name_or_path(file).tensors.size(), weights.tensors.size());
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
    const graph::Tensor numbers = graph::as_float32(tensor);
    for (const float value : numbers.values()) ASSERT_TRUE(std::isfinite(value)) << name;
  }
  // What its file says of preprocessing and anchors, if anything, is what the row says.
  const auto row = metadata(*loaded.model);
  for (const auto& [key, value] : loaded.weights.metadata) {
    const auto same = row.find(key);
    EXPECT_TRUE(same == row.end() || same->second == value) << key;
  }
  EXPECT_EQ(error_of([] { load_builtin_model("none"); }).code(), ErrorCode::kNotFound);
}

TEST(LoadModel, TellsADetectorOfOneNetworkFromOthers) {
  const TemporaryFolder folder;
  testing::write_made_recognizer(folder / "r.safetensors");
  const Error error = error_of([&] {
    expect_one_network_detector(load_model(folder / "r.safetensors"), "export --format onnx");
  });
  EXPECT_EQ(error.code(), ErrorCode::kUnsupported);
  EXPECT_THAT(error.what(), AllOf(HasSubstr("export --format onnx"), HasSubstr("recogniser")));
  expect_one_network_detector(load_builtin_model(kDefaultModel), "export --format onnx");
}

TEST(LoadModel, ANameThatNoFileCanHaveIsAnErrorLikeOthers) {
  const std::string name(300, 'n');
  EXPECT_EQ(error_of([&] { load_model_by_name_or_path(name); }).code(), ErrorCode::kNotFound);
  EXPECT_THAT(error_of([&] { load_model_by_name_or_path(name + ".x"); }).what(), StartsWith(name));
}

TEST(InputShape, IsFilledUpAndRefusesWhatTheNetworkDoesNotTake) {
  graph::Graph graph;
  const graph::NodeId image = graph.add("image", graph::Input{3}, {});
  graph.add_output("out",
                   graph.add("conv", graph::Convolution{.out_channels = 2, .kernel = 40}, {image}));
  NetworkSpec network;
  network.side_multiple = 32;
  EXPECT_EQ(input_shape(network, graph, 33, 64), (graph::Shape{1, 3, 64, 64}));
  const Error error = error_of([&] { input_shape(network, graph, 1, 1); });
  EXPECT_EQ(error.code(), ErrorCode::kUnsupported);
  EXPECT_THAT(error.what(), HasSubstr("conv"));
}

}  // namespace
}  // namespace retinaface::models
