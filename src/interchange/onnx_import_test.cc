#include "interchange/onnx_import.h"

#include <cstring>
#include <map>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/file.h"
#include "graph/operators.h"
#include "interchange/onnx_export.h"
#include "interchange/onnx_testing.h"
#include "runtime/reference/reference.h"
#include "runtime/testing.h"
#include "support/testing.h"

namespace retinaface::interchange {
namespace {

using retinaface::testing::error_of;
using testing::FileBuilder;
using ::testing::HasSubstr;
using testing::Integers;
using testing::read;

/// Every value and every layer comes back, but for the file's own name of itself.
TEST(OnnxImport, GivesBackWhatWasExported) {
  for (const char* name : {"mnet025", "mnet025-light", "resnet18", "resnet18+shared-heads"}) {
    SCOPED_TRACE(name);
    const models::Model& row = models::find_model(name);
    models::LoadedModel model{&row, row.network.build(), {}};
    model.weights = runtime::testing::lively_weights(model.graph, 4);
    const std::string content = export_onnx(model);
    OnnxModel file = parse_onnx(std::as_bytes(std::span(content)), "test");
    EXPECT_EQ(import_onnx(file, {}, "test").model, &row);  // recognised by its bytes
    EXPECT_THAT(error_of([&] { import_onnx(file, {.scale = 2.0F}, "test"); }).what(),
                HasSubstr("give it no channels, mean and scale"));

    file.producer = "another";
    const models::LoadedModel read = import_onnx(file, {}, "test");
    ASSERT_NE(read.described, nullptr);
    models::SearchPolicy search = row.detector().search;
    search.drops_implausible = false;  // which was measured for the row alone
    EXPECT_EQ(read.model->detector().search, search);
    ASSERT_EQ(read.graph.nodes().size(), model.graph.nodes().size());
    EXPECT_EQ(graph::mismatch(graph::parameters(model.graph),
                              [&] {
                                graph::Shapes shapes;
                                for (const auto& [key, tensor] : read.weights.tensors)
                                  shapes.emplace(key, tensor.shape);
                                return shapes;
                              }()),
              "");
    for (const auto& [key, tensor] : model.weights.tensors) {
      const auto& other = read.weights.at(key);
      EXPECT_EQ(std::memcmp(tensor.bytes.data(), other.bytes.data(), tensor.bytes.size()), 0)
          << key;
    }
    const auto outputs_of = [](const models::LoadedModel& loaded) {
      const auto network = runtime::make_reference_network(loaded.graph, loaded.weights);
      const auto session = network->new_session();
      const auto all = runtime::testing::outputs_for_noise(loaded.graph, *session, 33, 20, 1);
      std::map<std::string, std::vector<float>> named;
      for (std::size_t i = 0; i < all.size(); ++i) named[loaded.graph.outputs()[i].name] = all[i];
      return named;
    };
    EXPECT_EQ(outputs_of(read), outputs_of(model));
  }
}

TEST(OnnxImport, DeformableConvolutionsComeBackWhole) {
  const models::Model& row = models::find_model("resnet18+dcn");
  models::LoadedModel model{&row, row.network.build(), {}};
  model.weights = runtime::testing::lively_weights(model.graph, 4);
  const std::string content = export_onnx(model);
  EXPECT_EQ(import_onnx(parse_onnx(std::as_bytes(std::span(content)), "test"), {}, "test").model,
            &row);
}

/// A made-up network of the ArcFace family: residual blocks that begin with a normalisation, and a
/// matrix of the whole map at the end.
TEST(OnnxImport, ARecogniserOfResidualBlocks) {
  FileBuilder b(112, 112);
  const auto norm = [&](const std::string& from, std::int64_t channels) {
    return b.add("BatchNormalization",
                 {from, b.noise({channels}), b.noise({channels}), b.noise({channels}),
                  b.floats({channels}, std::vector<float>(static_cast<std::size_t>(channels), 2))});
  };
  const auto prelu = [&](const std::string& from, std::int64_t channels) {
    return b.add("PRelu", {from, b.noise({channels, 1, 1})});
  };
  std::string map = prelu(norm(b.conv("x", 3, 4), 4), 4);
  for (int i = 0; i < 4; ++i) {  // 112 to 7
    const std::string inner = prelu(norm(b.conv(norm(map, 4), 4, 4), 4), 4);
    const std::string shortcut =
        norm(b.add("Conv", {map, b.noise({4, 4, 1, 1})}, {{"strides", Integers{2, 2}}}), 4);
    map = b.add("Add", {norm(b.conv(inner, 4, 4, 2), 4), shortcut});
  }
  const std::string flat = b.add("Flatten", {b.add("Dropout", {norm(map, 4)})});
  b.output(norm(
      b.add("Gemm", {flat, b.noise({16, 4 * 7 * 7}), b.noise({16})}, {{"transB", std::int64_t{1}}}),
      16));
  const models::LoadedModel model = import_onnx(b.file(), {}, "test");
  ASSERT_TRUE(model.model->find_recognizer());
  EXPECT_EQ(model.model->find_recognizer()->side_px, 112);
  EXPECT_EQ(model.model->network.preprocessing.mean[1], 127.5F);
  EXPECT_FALSE(model.model->network.preprocessing.bgr);
  // The same network by its graph before the image's scaling went into the first layer.
  OnnxNetwork network = read(b);
  const auto plain = runtime::make_reference_network(network.graph, network.weights)->new_session();
  const auto made = runtime::make_reference_network(model.graph, model.weights);
  const auto scaled = made->new_session();
  std::mt19937 random(9);
  std::uniform_real_distribution<float> pixel(-127.5F, 127.5F);
  const auto to = scaled->input(1, 112, 112).values();
  const auto other_network = runtime::make_reference_network(network.graph, network.weights);
  const auto other = other_network->new_session();
  const auto from = other->input(1, 112, 112).values();
  for (std::size_t i = 0; i < to.size(); ++i) {
    to[i] = pixel(random);
    from[i] = to[i] / 127.5F;
  }
  scaled->run();
  other->run();
  EXPECT_LT(runtime::testing::relative_difference(runtime::testing::planar(scaled->output(0)),
                                                  runtime::testing::planar(other->output(0))),
            1e-5);
}

TEST(OnnxImport, ANetworkThatScalesItsImageIsGivenTheImage) {
  FileBuilder b(16, 16);
  const std::string scaled =
      b.add("Mul", {b.add("Sub", {"x", b.floats({1}, {127.5F})}), b.floats({1}, {0.0078125F})});
  const std::string map = b.conv(scaled, 3, 4, 2);
  b.output(b.add("Flatten", {b.add("GlobalAveragePool", {map})}));
  const models::LoadedModel model = import_onnx(b.file(), {}, "test");
  EXPECT_EQ(model.model->network.preprocessing.mean[0], 127.5F);
  // Nothing of the scaling is left but the weights.
  EXPECT_EQ(model.graph.nodes().size(), 3U);
  const auto& weight = std::get<std::vector<float>>(b.model().constants[2].values);
  EXPECT_EQ(model.weights.at(model.graph.nodes()[1].name + ".weight").values()[5],
            weight[5] * 0.0078125F);
}

/// The heads of a detector on levels of the strides 8, 16 and 32.
void add_heads(FileBuilder& b, const std::vector<std::int64_t>& values, std::int64_t anchors,
               bool sigmoid) {
  std::string map = b.conv(b.conv(b.conv("x", 3, 4, 2), 4, 4, 2), 4, 4, 2);
  std::vector<std::vector<std::string>> outputs(values.size());
  for (int level = 0; level < 3; ++level) {
    for (std::size_t h = 0; h < values.size(); ++h) {
      const std::string cells = b.add("Transpose", {b.conv(map, 4, anchors * values[h])},
                                      {{"perm", Integers{0, 2, 3, 1}}});
      std::string rows = b.add("Reshape", {cells, b.integers({1, -1, values[h]})});
      if (sigmoid && values[h] == 1) rows = b.add("Sigmoid", {rows});
      outputs[h].push_back(rows);
    }
    map = b.conv(map, 4, 4, 2);
  }
  for (const auto& head : outputs) {
    for (const std::string& rows : head) b.output(rows);
  }
}

TEST(OnnxImport, FamiliesAreToldByTheirOutputs) {
  FileBuilder scrfd(64, 64);
  add_heads(scrfd, {1, 4, 10}, 2, true);
  const models::LoadedModel a = import_onnx(scrfd.file(), {}, "test");
  EXPECT_EQ(a.model->name, "scrfd");
  EXPECT_EQ(a.model->detector().anchors.boxes, models::BoxCoding::kSideDistances);
  EXPECT_EQ(a.model->detector().anchors.levels[2].stride_px, 32);
  EXPECT_EQ(a.model->network.side_multiple, 32);
  EXPECT_GE(a.graph.find_output("landmarks.2"), 0);
  for (const graph::Node& node : a.graph.nodes()) {
    EXPECT_FALSE(std::holds_alternative<graph::Sigmoid>(node.op));  // the decoder's
  }

  FileBuilder yunet(64, 64);
  add_heads(yunet, {1, 1, 4, 10}, 1, true);
  const models::LoadedModel b = import_onnx(yunet.file(), {.bgr = false}, "test");
  EXPECT_EQ(b.model->name, "yunet");
  EXPECT_FALSE(b.model->network.preprocessing.bgr);
  EXPECT_EQ(b.model->detector().heads.size(), 4U);

  FileBuilder retinaface(64, 64);
  add_heads(retinaface, {2, 4, 10}, 2, false);
  const models::LoadedModel c = import_onnx(retinaface.file(), {}, "test");
  EXPECT_EQ(c.model->name, "retinaface");
  EXPECT_EQ(c.model->detector().anchors.levels[0].sizes_px,
            models::find_model("mnet025").detector().anchors.levels[0].sizes_px);

  FileBuilder other(64, 64);
  add_heads(other, {1, 4}, 2, true);
  EXPECT_THAT(error_of([&] { import_onnx(other.file(), {}, "test"); }).what(),
              HasSubstr("expected the outputs of a detector"));
  FileBuilder unknown(64, 64);
  add_heads(unknown, {2, 4, 10}, 5, false);
  EXPECT_THAT(error_of([&] { import_onnx(unknown.file(), {}, "test"); }).what(),
              HasSubstr("found 5 a cell at the strides 8, 16, 32"));
}

/// tests/make_onnx_fixtures.py wrote them; the checker of the package onnx found them right.
TEST(OnnxImport, TakesWhatOtherProgramsWrite) {
  const auto file = [](const char* name) {
    const std::filesystem::path path = retinaface::testing::fixture_folder() / "onnx" / name;
    return parse_onnx(read_file(path), name);
  };
  for (const char* const name : {"detector_11.onnx", "detector_17.onnx"}) {
    const models::LoadedModel model = import_onnx(file(name), {}, name);
    EXPECT_EQ(model.model->detector().anchors.levels.size(), 3U) << name;
  }
  const models::LoadedModel recognizer = import_onnx(file("recognizer.onnx"), {}, "recognizer");
  EXPECT_TRUE(recognizer.model->find_recognizer());
  const OnnxNetwork network = read_network(file("operators.onnx"), "operators");
  EXPECT_EQ(network.outputs.size(), 1U);
}

}  // namespace
}  // namespace retinaface::interchange
