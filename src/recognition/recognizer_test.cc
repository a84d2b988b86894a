#include "retinaface/recognizer.h"

#include <algorithm>
#include <cmath>
#include <string>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "retinaface/alignment.h"
#include "retinaface/detector.h"

#include "base/file.h"
#include "detection/preprocess.h"
#include "image/convert.h"
#include "models/described_model.h"
#include "models/load_model.h"
#include "runtime/reference/reference.h"
#include "runtime/testing.h"
#include "support/testing.h"

namespace retinaface {
namespace {

using testing::error_of;
using ::testing::HasSubstr;

/// A made-up recogniser of eight values.
class RecognizerTest : public ::testing::Test {
 protected:
  RecognizerTest() {
    graph::NodeId map = graph_.add("image", graph::Input{3}, {});
    map = graph_.add(
        "patches", graph::Convolution{.out_channels = 12, .kernel = 16, .stride = 16, .bias = true},
        {map});
    map = graph_.add("slopes", graph::PRelu{}, {map});
    map = graph_.add("matrix", graph::Convolution{.out_channels = 8, .kernel = 7}, {map});
    graph_.add_output("embedding", map);
    model_.name = "made-up";
    model_.network.preprocessing = {.bgr = false, .mean = {127.5F, 127.5F, 127.5F}};
    model_.purpose = models::RecognizerSpec{};
    weights_ = runtime::testing::lively_weights(graph_, 3);
    weights_.metadata = models::describe(model_, graph_);
    file_ = folder_ / "made-up.safetensors";
    graph::write_safetensors(file_, weights_);
    image_ = Image(200, 150);
    for (int y = 0; y < 150; ++y) {
      for (int i = 0; i < 600; ++i) {
        image_.row(y)[i] = static_cast<std::uint8_t>((7 * i + 13 * y + i * y / 50) % 256);
      }
    }
  }

  /// By the reference runtime, of the face and its mirror image.
  std::vector<float> expected(const Landmarks& landmarks) const {
    const auto network = runtime::make_reference_network(graph_, weights_);
    const auto session = network->new_session();
    Image face = align_face(image_, landmarks);
    std::vector<double> sum(8, 0.0);
    for (int side = 0; side < 2; ++side) {
      detection::preprocess(face, model_.network.preprocessing,
                            session->input(1, 112, 112).values());
      session->run();
      for (std::size_t c = 0; c < 8; ++c) {
        sum[c] += double{*session->output(0).channel(static_cast<std::int64_t>(c))};
      }
      mirror(face);
    }
    double square = 0;
    for (const double value : sum) square += value * value;
    std::vector<float> result;
    for (const double value : sum) result.push_back(static_cast<float>(value / std::sqrt(square)));
    return result;
  }

  testing::TemporaryFolder folder_;
  std::filesystem::path file_;
  graph::Graph graph_;
  models::Model model_;
  graph::Weights weights_;
  Image image_{1, 1};
  Landmarks face_ = {{{60, 50}, {110, 48}, {85, 80}, {65, 105}, {105, 104}}};
};

TEST_F(RecognizerTest, EmbedsWhatTheReferenceRuntimeDoes) {
  const Recognizer recognizer(file_);
  EXPECT_EQ(recognizer.embedding_size(), 8);
  const std::vector<float> embedding = recognizer.embed(image_, face_);
  EXPECT_LT(runtime::testing::relative_difference(embedding, expected(face_)), 1e-4);
  double square = 0;
  for (const float value : embedding) square += double{value} * double{value};
  EXPECT_NEAR(square, 1, 1e-6);
}

TEST_F(RecognizerTest, RunsItsNetworkAsToldTo) {
  const std::vector<float> embedding = Recognizer(file_).embed(image_, face_);
  const std::vector<float> reference =
      Recognizer(file_, {.type = "float32", .backend = "reference"}).embed(image_, face_);
  EXPECT_LT(runtime::testing::relative_difference(reference, expected(face_)), 1e-5);
  EXPECT_LT(runtime::testing::relative_difference(embedding, reference), 1e-4);
  const std::vector<std::byte> bytes = read_file(file_);
  EXPECT_EQ(Recognizer::from_bytes(bytes, "mine", {.type = "float32", .backend = "reference"})
                .embed(image_, face_),
            reference);
  EXPECT_THAT(error_of([&] { Recognizer(file_, {.type = "int7", .backend = ""}); }).what(),
              HasSubstr("expected one of float32, bfloat16, int8, auto"));
  // It has no calibration.
  EXPECT_EQ(error_of([&] { Recognizer(file_, {.type = "int8", .backend = ""}); }).code(),
            ErrorCode::kUnsupported);
}

TEST_F(RecognizerTest, TellsWhatIsKnownOfIt) {
  const ModelInfo info = Recognizer(file_).info();
  EXPECT_EQ(info.weights_origin, WeightsOrigin::kFile);
  EXPECT_EQ(info.weights_source, file_.string());
  EXPECT_TRUE(info.strides_px.empty());
  // Patches with bias, a slope for each channel, the matrix; both layers once an aligned face.
  constexpr std::int64_t kPatch = 3 * 16 * 16 * 12;
  constexpr std::int64_t kMatrix = 12 * 7 * 7 * 8;
  EXPECT_EQ(info.parameters, kPatch + 12 + 12 + kMatrix);
  EXPECT_EQ(info.multiply_adds, 7 * 7 * kPatch + kMatrix);
  const ModelInfo mine = Recognizer::from_bytes(read_file(file_), "mine").info();
  EXPECT_EQ(mine.weights_origin, WeightsOrigin::kMemory);
  EXPECT_EQ(mine.weights_source, "mine");
}

TEST_F(RecognizerTest, BatchesGiveTheSameInOrder) {
  const Recognizer recognizer(file_);
  std::vector<FaceInImage> faces;
  for (int i = 0; i < 5; ++i) {
    Landmarks moved = face_;
    for (Point& point : moved) point.x += static_cast<float>(i);
    faces.push_back({image_.view(), moved});
  }
  const auto embeddings = recognizer.embed_batch(faces, 2);
  ASSERT_EQ(embeddings.size(), 5U);
  for (std::size_t i = 0; i < 5; ++i) {
    EXPECT_EQ(embeddings[i], recognizer.embed(image_, faces[i].landmarks));
  }
  faces[3].landmarks = {};
  const Error error = error_of([&] { recognizer.embed_batch(faces, 1); });
  EXPECT_THAT(error.what(), HasSubstr("faces[3]: landmarks: expected five points"));
}

TEST_F(RecognizerTest, IsNoDetectorAndADetectorIsNone) {
  EXPECT_THAT(error_of([&] { Detector{file_}; }).what(),
              HasSubstr("expected a detector, found a recogniser"));
  EXPECT_THAT(error_of([&] { Recognizer{"mnet025"}; }).what(),
              HasSubstr("expected a recogniser, found the detector mnet025"));
}

TEST_F(RecognizerTest, RefusesDescriptionsThatDoNotFit) {
  const std::pair<const char*, std::pair<const char*, const char*>> cases[] = {
      {"recognizer", {R"({"side":64})", "64x64 pixels: Convolution 'matrix'"}},
      {"recognizer", {R"({"side":128})", "an embedding of 1x1, found 2x2"}},
      {"recognizer", {"{}", "recognizer: "}},
      {"preprocessing", {R"({"channels":"xyz","mean":[0,0,0]})", "'rgb' or 'bgr'"}},
      {"preprocessing", {"nonsense", "preprocessing: "}},
      {"graph", {R"({"nodes":[],"outputs":[]})", "it has no nodes"}}};
  for (const auto& [key, change] : cases) {
    graph::Weights changed;
    for (const auto& [name, tensor] : weights_.tensors)
      changed.tensors.emplace(name, tensor.clone());
    changed.metadata = weights_.metadata;
    changed.metadata[key] = change.first;
    graph::write_safetensors(file_, changed);
    EXPECT_THAT(error_of([&] { Recognizer{file_}; }).what(), HasSubstr(change.second));
  }
}

TEST(Similarity, IsTheCosine) {
  const std::vector<float> a = {3, 4};
  const std::vector<float> b = {4, 3};
  const std::vector<float> zero = {0, 0};
  EXPECT_FLOAT_EQ(similarity(a, b), 24.0F / 25);
  EXPECT_FLOAT_EQ(similarity(a, a), 1);
  EXPECT_THAT(error_of([&] { similarity(a, std::vector<float>{1}); }).what(),
              HasSubstr("of one length"));
  EXPECT_THAT(error_of([&] { similarity(a, zero); }).what(), HasSubstr("found zeros"));
}

}  // namespace
}  // namespace retinaface
