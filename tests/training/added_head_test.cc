// A head that no source file knows: one value of each anchor, learnt by its absolute distance and
// read back from detection. What it takes is a row of the heads' table.
#include <cmath>

#include <gtest/gtest.h>

#include "detection/detector_factory.h"
#include "models/catalogue.h"
#include "models/load_model.h"
#include "models/mobilenet.h"
#include "models/retinaface.h"
#include "support/testing.h"
#include "training/optimizer.h"
#include "training/trainer.h"
#include "training/training_step.h"

namespace retinaface {
namespace {

constexpr int kSide = 256;
constexpr float kTone = 0.7F;

/// The default model with the head "tone" beside its own.
models::Model model_with_tone() {
  models::Model model = models::find_model(models::kDefaultModel);
  model.name = "mnet025-tone";
  model.detector().heads.push_back({.name = "tone", .module = "ToneHead", .values = 1});
  model.network.build = [heads = model.detector().heads] {
    graph::Graph graph;
    const graph::NodeId image = graph.add("image", graph::Input{3}, {});
    models::add_detector(graph, models::mobilenet025(graph, "body", image),
                         {.channels = 64, .anchors_per_cell = 2, .slope = 0.1F, .heads = heads});
    return graph;
  };
  return model;
}

Image sample_square() {
  const Image whole = read_image(testing::sample_folder() / "crowd.webp");
  Image part(kSide, kSide);
  for (int y = 0; y < kSide; ++y) {
    std::copy_n(whole.row(y + 100) + 3 * 100, 3 * kSide, part.row(y));
  }
  return part;
}

TEST(AddedHead, IsLearntAndReadBackFromDetection) {
  const models::Model model = model_with_tone();
  const models::LoadedModel original = models::load_builtin_model(models::kDefaultModel);
  dataset::Sample sample{sample_square(), {}};
  const std::vector<Face> known = Detector().detect(sample.image, {.scales = {1}});
  ASSERT_GE(known.size(), 3U);
  for (const Face& face : known) {
    dataset::AnnotatedFace annotated;
    annotated.box = face.box;
    annotated.values = {{"tone", {kTone}}};
    sample.faces.push_back(annotated);
  }

  training::Recipe recipe;
  recipe.side_px = kSide;
  recipe.batch = 1;
  recipe.matching = {.positive_iou = 0.35F, .negative_iou = 0.35F, .force_best = true};
  recipe.frozen = {"body", "fpn", "ssh", "ClassHead", "BboxHead", "LandmarkHead"};
  recipe.frozen_statistics = true;
  recipe.optimizer = {.method = training::Method::kAdamW, .weight_decay = 0};
  training::ProcessGroup alone({});
  training::TrainingStep step(
      recipe, model, training::initial_weights(model, original.weights, 1, "the default model"),
      alone);
  const auto detect = [&] {
    const models::LoadedModel loaded{&model, model.network.build(), step.network().weights()};
    return detection::DetectorFactory::make(loaded).detect(sample.image, {.scales = {1}});
  };
  const auto worst = [](const std::vector<Face>& faces) {
    float largest = 0;
    for (const Face& face : faces) {
      EXPECT_EQ(face.values.size(), 1U);
      largest = std::max(largest, std::abs(face.values.at(0) - kTone));
    }
    return largest;
  };
  EXPECT_GT(worst(detect()), 0.2F) << "there must be something to learn";

  training::Optimizer optimizer(step.network().parameters(), recipe.optimizer);
  double first = 0;
  double last = 0;
  constexpr std::int64_t kSteps = 150;
  for (std::int64_t i = 0; i < kSteps; ++i) {
    const training::LossValues loss = step.forward_backward(std::span(&sample, 1));
    ASSERT_EQ(loss.terms.size(), 4U);
    EXPECT_EQ(loss.terms.back().head, "tone");
    (i == 0 ? first : last) = loss.term("tone");
    const double rate = 0.02 * (1 - static_cast<double>(i) / kSteps);
    optimizer.step(rate, i, step.network().gradients(), step.network().values());
  }
  EXPECT_LT(last, 0.25 * first);

  // The other heads learnt nothing: the same faces, each with its value.
  const std::vector<Face> faces = detect();
  ASSERT_EQ(faces.size(), known.size());
  for (std::size_t i = 0; i < faces.size(); ++i) {
    EXPECT_NEAR(faces[i].score, known[i].score, 1e-4F);
    EXPECT_NEAR(faces[i].box.x0, known[i].box.x0, 0.05F);
  }
  EXPECT_LT(worst(faces), 0.17F);
}

}  // namespace
}  // namespace retinaface
