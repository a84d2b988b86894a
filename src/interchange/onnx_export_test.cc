#include "interchange/onnx_export.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <string>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "detection/anchors.h"
#include "detection/head_coding.h"
#include "detection/nms.h"
#include "graph/calibration.h"
#include "graph/operators.h"
#include "models/load_model.h"
#include "runtime/reference/reference.h"
#include "runtime/testing.h"
#include "support/onnx_evaluation.h"
#include "support/testing.h"

namespace retinaface::interchange {
namespace {

using ::testing::AnyOf;
using ::testing::ElementsAre;
using testing::evaluate_onnx;
using testing::OnnxValue;

constexpr double kSmall = 1e-6;  // both sides compute in double, but one hands out floats

models::LoadedModel lively(const models::Model& model, std::uint64_t seed = 1) {
  graph::Graph graph = model.network.build();
  graph::Weights weights = runtime::testing::lively_weights(graph, seed);
  return {&model, std::move(graph), std::move(weights)};
}

/// What the reference runtime computes for one image, put into the order of the anchors by hand.
std::map<std::string, std::vector<float>> expected_heads(const models::LoadedModel& model,
                                                         std::span<const float> image,
                                                         std::int64_t height, std::int64_t width) {
  const auto network = runtime::make_reference_network(model.graph, model.weights);
  const auto session = network->new_session();
  std::ranges::copy(image, session->input(1, height, width).values().begin());
  session->run();
  std::map<std::string, std::vector<float>> heads;
  for (const auto& [head, values] :
       std::map<std::string, std::int64_t>{{"cls", 2}, {"box", 4}, {"landmarks", 10}}) {
    for (std::size_t level = 0; level < model.model->detector().anchors.levels.size(); ++level) {
      const int index = model.graph.find_output(fmt::format("{}.{}", head, level));
      const runtime::FeatureMap map = session->output(static_cast<std::size_t>(index));
      const auto per_cell =
          static_cast<std::int64_t>(model.model->detector().anchors.levels[level].sizes_px.size());
      EXPECT_EQ(map.channels, per_cell * values);
      for (std::int64_t cell = 0; cell < map.cells(); ++cell) {
        for (std::int64_t anchor = 0; anchor < per_cell; ++anchor) {
          for (std::int64_t v = 0; v < values; ++v) {
            heads[head].push_back(map.channel(anchor * values + v)[cell * map.block]);
          }
        }
      }
    }
  }
  return heads;
}

std::vector<float> noise(std::size_t count, unsigned seed) {
  std::mt19937_64 generator(seed);
  std::uniform_real_distribution<float> distribution(-1, 1);
  std::vector<float> values(count);
  for (float& value : values) value = distribution(generator);
  return values;
}

::onnx::ModelProto checked_export(const models::LoadedModel& model,
                                  const OnnxExportOptions& options = {}) {
  const std::string content = export_onnx(model, options);
  return testing::checked_onnx(std::as_bytes(std::span(content)));
}

/// Evaluates the file for `batch` images and compares with the reference runtime, one by one.
void expect_equal(const models::LoadedModel& model, const ::onnx::ModelProto& file,
                  std::int64_t batch, std::int64_t height, std::int64_t width) {
  SCOPED_TRACE(fmt::format("{} at {}x{}x{}", model.model->name, batch, height, width));
  const auto image_size = static_cast<std::size_t>(3 * height * width);
  const std::vector<float> images = noise(static_cast<std::size_t>(batch) * image_size, 7);
  const auto outputs =
      evaluate_onnx(file, {{"image", {{batch, 3, height, width}, {images.begin(), images.end()}}}});
  for (std::int64_t n = 0; n < batch; ++n) {
    const auto expected = expected_heads(
        model, std::span(images).subspan(static_cast<std::size_t>(n) * image_size, image_size),
        height, width);
    for (const auto& [head, values] : expected) {
      const OnnxValue& output = outputs.at(head);
      const auto per_image = static_cast<std::ptrdiff_t>(values.size());
      ASSERT_EQ(output.values.size(), static_cast<std::size_t>(batch) * values.size()) << head;
      EXPECT_EQ(output.shape[1] * output.shape[2], per_image) << head;
      const std::vector<float> actual(output.values.begin() + n * per_image,
                                      output.values.begin() + (n + 1) * per_image);
      EXPECT_LT(runtime::testing::relative_difference(actual, values), kSmall) << head;
    }
  }
}

void expect_equal(const models::LoadedModel& model, std::int64_t batch, std::int64_t height,
                  std::int64_t width) {
  expect_equal(model, checked_export(model), batch, height, width);
}

/// With the input fixed, and so without an operator that asks for a shape.
void expect_equal_when_fixed(const models::LoadedModel& model, std::int64_t batch,
                             std::int64_t height, std::int64_t width) {
  const ::onnx::ModelProto file =
      checked_export(model, {.input = OnnxExportOptions::FixedInput{batch, height, width}});
  for (const auto& node : file.graph().node()) {
    EXPECT_THAT(node.op_type(), AnyOf("Add", "BatchNormalization", "Concat", "Conv", "Div",
                                      "GridSample", "LeakyRelu", "MaxPool", "Mul", "Relu",
                                      "Reshape", "Resize", "Sigmoid", "Slice", "Sub", "Transpose"));
  }
  expect_equal(model, file, batch, height, width);
}

TEST(OnnxExport, TheCataloguesNetworksComputeWhatTheReferenceComputes) {
  // Every kind of layer and head that the catalogue has; its larger networks only repeat them. On
  // this small image each level's side is odd, or rounded up.
  for (const char* name : {"mnet025", "mnet025-light", "resnet18", "resnet18+dcn+shared-heads"}) {
    expect_equal(lively(models::find_model(name)), 1, 9, 13);
  }
}

TEST(OnnxExport, AnySizeAndNumberOfImages) {
  const models::LoadedModel model = lively(models::find_model("mnet025"));
  expect_equal(model, 1, 1, 1);
  expect_equal(model, 1, 64, 96);
  expect_equal(model, 1, 45, 71);
  expect_equal(model, 3, 33, 40);
}

TEST(OnnxExport, OneSizeNeedsNoShapes) {
  expect_equal_when_fixed(lively(models::find_model("mnet025")), 2, 45, 71);
  expect_equal_when_fixed(lively(models::find_model("resnet18+dcn+shared-heads")), 1, 9, 13);
}

/// One level, with deformable convolutions before the heads: of stride 2 and 1, with bias and
/// without, of a window of 3 and one of 1.
graph::Graph deformable_graph() {
  graph::Graph graph;
  const graph::NodeId image = graph.add("image", graph::Input{3}, {});
  const auto deform = [&](const std::string& name, graph::NodeId input,
                          const graph::DeformableConvolution& conv) {
    const graph::NodeId offsets =
        graph.add(name + ".offset",
                  graph::Convolution{.out_channels = conv.offset_channels(),
                                     .kernel = conv.kernel,
                                     .stride = conv.stride,
                                     .padding = conv.padding,
                                     .bias = true},
                  {input});
    return graph.add(name, conv, {input, offsets});
  };
  graph::NodeId map = deform("first", image, {.out_channels = 5, .stride = 2});
  map = graph.add("norm", graph::BatchNorm{}, {map});
  map = deform("second", map, {.out_channels = 6, .bias = true});
  map = deform("third", map, {.out_channels = 4, .kernel = 1, .padding = 0});
  for (const auto& [head, values] :
       std::map<std::string, std::int64_t>{{"cls", 2}, {"box", 4}, {"landmarks", 10}}) {
    graph.add_output(head + ".0",
                     graph.add(head + ".conv", graph::Convolution{.out_channels = values}, {map}));
  }
  return graph;
}

TEST(OnnxExport, DeformableConvolutionsAreTakenApart) {
  const models::Model row = {.name = "deformable",
                             .summary = "",
                             .network = {.build = deformable_graph, .preprocessing = {}},
                             .purpose = models::DetectorSpec{.anchors = {.levels = {{2, {16}}}}}};
  models::LoadedModel model = lively(row);
  // Of a cell or several, so that many points lie outside the map, and masks well away from 1.
  for (auto& [name, tensor] : model.weights.tensors) {
    if (name.find(".offset.") == std::string::npos) continue;
    for (float& value : tensor.values()) value *= 3;
  }
  expect_equal(model, 1, 23, 38);
  expect_equal(model, 2, 9, 2);
  expect_equal_when_fixed(model, 2, 9, 2);
  expect_equal(model, 1, 1, 1);
}

TEST(OnnxExport, EndsInTheFacesThatTheDetectorDecodes) {
  constexpr std::int64_t kHeight = 45;
  constexpr std::int64_t kWidth = 71;
  constexpr float kMinScore = 0.7F;
  const models::LoadedModel model = lively(models::find_model("mnet025"));
  const models::DetectorSpec& detector = model.model->detector();
  const std::vector<float> images = noise(2 * 3 * kHeight * kWidth, 7);
  OnnxExportOptions options;
  options.input = {2, kHeight, kWidth};
  options.faces = OnnxFaces{.min_score = kMinScore};
  const auto outputs =
      evaluate_onnx(checked_export(model, options),
                    {{"image", {{2, 3, kHeight, kWidth}, {images.begin(), images.end()}}}});

  std::vector<Face> expected;
  std::vector<double> image_index;
  for (std::size_t image = 0; image < 2; ++image) {
    const auto heads = expected_heads(
        model, std::span(images).subspan(image * images.size() / 2, images.size() / 2), kHeight,
        kWidth);
    std::vector<Face> faces;
    const auto anchors = detection::make_anchors(detector.anchors, kHeight, kWidth);
    for (std::size_t i = 0; i < anchors.size(); ++i) {
      const std::vector<float>& cls = heads.at("cls");
      Face face;
      face.score = 1 / (1 + std::exp(cls[2 * i] - cls[2 * i + 1]));
      if (!(face.score > kMinScore)) continue;
      for (const models::Head& head : detector.heads) {
        const auto values = static_cast<std::size_t>(head.values);
        detection::decode_head(head, anchors[i],
                               std::span(heads.at(head.name)).subspan(i * values, values),
                               detector.anchors, face);
      }
      faces.push_back(face);
    }
    const std::size_t candidates = faces.size();
    detection::sort_by_score(faces);
    detection::suppress_overlaps(faces, options.faces->max_iou);
    EXPECT_GT(faces.size(), 1U);
    EXPECT_LT(faces.size(), candidates);
    expected.insert(expected.end(), faces.begin(), faces.end());
    image_index.insert(image_index.end(), faces.size(), static_cast<double>(image));
  }

  EXPECT_EQ(outputs.at("image_index").values, image_index);
  const auto count = static_cast<std::int64_t>(expected.size());
  EXPECT_THAT(outputs.at("boxes").shape, ElementsAre(count, 4));
  EXPECT_THAT(outputs.at("scores").shape, ElementsAre(count));
  EXPECT_THAT(outputs.at("landmarks").shape, ElementsAre(count, 5, 2));
  for (std::size_t i = 0; i < expected.size(); ++i) {
    const Face& face = expected[i];
    EXPECT_NEAR(outputs.at("scores").values.at(i), face.score, 1e-5);
    const double corners[] = {face.box.x0, face.box.y0, face.box.x1, face.box.y1};
    for (std::size_t k = 0; k < 4; ++k) {
      EXPECT_NEAR(outputs.at("boxes").values.at(4 * i + k), corners[k], 1e-3);
    }
    for (std::size_t k = 0; k < face.landmarks.size(); ++k) {
      EXPECT_NEAR(outputs.at("landmarks").values.at(10 * i + 2 * k), face.landmarks[k].x, 1e-3);
      EXPECT_NEAR(outputs.at("landmarks").values.at(10 * i + 2 * k + 1), face.landmarks[k].y, 1e-3);
    }
  }
}

TEST(OnnxExport, SaysWhatGoesInAndOut) {
  const models::LoadedModel model = lively(models::find_model("mnet025"));
  const ::onnx::ModelProto file = checked_export(model);
  const auto port = [](const ::onnx::ValueInfoProto& info) {
    std::string text = info.name();
    for (const auto& extent : info.type().tensor_type().shape().dim()) {
      text += " " +
              (extent.has_dim_param() ? extent.dim_param() : fmt::format("{}", extent.dim_value()));
    }
    return text;
  };
  ASSERT_EQ(file.graph().input_size(), 1);
  EXPECT_EQ(port(file.graph().input(0)), "image batch 3 height width");
  std::vector<std::string> outputs;
  for (const auto& output : file.graph().output()) outputs.push_back(port(output));
  EXPECT_THAT(outputs, ElementsAre("cls batch anchors 2", "box batch anchors 4",
                                   "landmarks batch anchors 10"));
  OnnxExportOptions fixed;
  fixed.input = {2, 48, 64};
  const ::onnx::ModelProto of_one_size = checked_export(model, fixed);
  EXPECT_EQ(port(of_one_size.graph().input(0)), "image 2 3 48 64");
  EXPECT_EQ(port(of_one_size.graph().output(1)), "box 2 128 4");
  ASSERT_EQ(file.opset_import_size(), 1);
  EXPECT_LE(file.opset_import(0).version(), 17);
  EXPECT_EQ(file.producer_name(), "retinaface");

  std::map<std::string, std::string, std::less<>> metadata;
  for (const auto& entry : file.metadata_props()) metadata[entry.key()] = entry.value();
  EXPECT_EQ(metadata, models::metadata(models::find_model("mnet025")));
}

TEST(OnnxExport, ParametersKeepTheirNamesAndEveryBit) {
  const models::LoadedModel model = models::load_builtin_model(models::kDefaultModel);
  const ::onnx::ModelProto file = checked_export(model);
  std::size_t found = 0;
  for (const auto& constant : file.graph().initializer()) {
    const auto tensor = model.weights.tensors.find(constant.name());
    if (tensor == model.weights.tensors.end()) continue;
    ++found;
    const std::string& raw = constant.raw_data();
    ASSERT_EQ(raw.size(), tensor->second.values().size() * sizeof(float));
    EXPECT_EQ(std::memcmp(raw.data(), tensor->second.values().data(), raw.size()), 0)
        << constant.name();
    EXPECT_EQ(std::vector<std::int64_t>(constant.dims().begin(), constant.dims().end()),
              tensor->second.shape);
  }
  EXPECT_EQ(found, static_cast<std::size_t>(
                       std::ranges::count_if(model.weights.tensors, [](const auto& entry) {
                         return !entry.first.starts_with(graph::kCalibrationPrefix);
                       })));
  EXPECT_EQ(export_onnx(model), export_onnx(model));
}

/// Other codings than RetinaFace's end in the heads' values; never in faces of another coding.
TEST(OnnxExport, RefusesFacesOfACodingThatItDoesNotWrite) {
  models::Model model = models::find_model("mnet025");
  model.detector().anchors.boxes = models::BoxCoding::kSideDistances;
  const models::LoadedModel other = lively(model);
  const Error error = testing::error_of([&] {
    export_onnx(other, {.input = OnnxExportOptions::FixedInput{1, 64, 64}, .faces = OnnxFaces{}});
  });
  EXPECT_EQ(error.code(), ErrorCode::kUnsupported);
  EXPECT_THAT(error.what(), ::testing::HasSubstr("without suppression in it"));
  EXPECT_FALSE(export_onnx(other).empty());
}

}  // namespace
}  // namespace retinaface::interchange
