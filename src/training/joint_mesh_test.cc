#include "training/joint_mesh.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/random.h"
#include "models/load_model.h"
#include "runtime/training_backends/training_backends.h"
#include "support/testing.h"
#include "training/training_step.h"

namespace retinaface::training {
namespace {

using testing::error_of;
using ::testing::HasSubstr;

constexpr int kSide = 128;
constexpr std::size_t kFeatures = 64;

/// Noise with large faces with points: where each of them lies, an anchor matches it.
std::vector<dataset::Sample> some_batch(int images) {
  Random random(3);
  std::vector<dataset::Sample> batch;
  for (int n = 0; n < images; ++n) {
    dataset::Sample& sample =
        batch.emplace_back(Image(kSide, kSide), std::vector<dataset::AnnotatedFace>{});
    for (int y = 0; y < kSide; ++y) {
      for (int i = 0; i < 3 * kSide; ++i) {
        sample.image.row(y)[i] = static_cast<std::uint8_t>(random.below(256));
      }
    }
    dataset::AnnotatedFace face;
    const float x = 20 + 10 * static_cast<float>(n);
    face.box = {x, 30, x + 64, 94};
    const Landmarks points = {
        {{x + 20, 55}, {x + 44, 55}, {x + 32, 67}, {x + 22, 78}, {x + 42, 78}}};
    for (std::size_t i = 0; i < points.size(); ++i) {
      face.points[i] = {points[i], dataset::PointState::kVisible};
    }
    sample.faces.push_back(face);
    face.box = {100, 100, 112, 112};  // too small for the branch
    sample.faces.push_back(face);
  }
  return batch;
}

Recipe some_recipe(float weight) {
  Recipe recipe;
  recipe.side_px = kSide;
  recipe.batch = 2;
  recipe.frozen_statistics = true;
  recipe.matching.positive_iou = recipe.matching.negative_iou = 0.35F;
  recipe.matching.force_best = true;
  recipe.branch.weight = weight;
  return recipe;
}

/// What a network might have said: offsets of 0, boxes like their anchors, and noise as features.
struct SomeOutputs {
  NetworkOutputs outputs;
  HeadBatch context;
  std::vector<std::vector<float>> maps;
  std::vector<std::vector<float>> features;
  std::vector<std::vector<float>> by_feature;

  SomeOutputs(const models::DetectorSpec& detector, std::size_t images) {
    Random random(7);
    for (const models::Head& head : detector.heads) {
      HeadBatch& batch = outputs.emplace_back();
      for (const models::AnchorLevel& level : detector.anchors.levels) {
        maps.emplace_back(images * cells(level) * level.sizes_px.size() *
                          static_cast<std::size_t>(head.values));
        batch.values.emplace_back(maps.back());
      }
    }
    for (const models::AnchorLevel& level : detector.anchors.levels) {
      features.emplace_back();
      for (std::size_t i = 0; i < images * cells(level) * kFeatures; ++i) {
        features.back().push_back(static_cast<float>(std::abs(random.normal())));
      }
      by_feature.emplace_back(features.back().size(), 9.0F);  // what was there before
    }
    for (std::size_t l = 0; l < features.size(); ++l) {
      context.values.emplace_back(features[l]);
      context.gradients.emplace_back(by_feature[l]);
    }
  }

  static std::size_t cells(const models::AnchorLevel& level) {
    const detection::Grid grid = detection::grid_of(level, kSide, kSide);
    return static_cast<std::size_t>(grid.height * grid.width);
  }
};

TEST(JointMesh, GradientsAreThoseOfDifferences) {
  const models::LoadedModel loaded = models::load_builtin_model(models::kDefaultModel);
  const models::Model& model = models::find_model(models::kDefaultModel);
  const auto batch = some_batch(2);
  std::vector<ImageTarget> targets;
  for (const dataset::Sample& sample : batch) {
    targets.push_back({sample.faces, match_anchors(model.detector().anchors, kSide, kSide,
                                                   sample.faces, some_recipe(1).matching)});
  }
  SomeOutputs said(model.detector(), batch.size());
  JointMeshOptions options = some_recipe(3).branch;
  // What pixels pull at geometry is no derivative of L_pixel, whose triangles move (mesh_gradient).
  options.loss.pixel_weight = 0;
  JointMesh branch(loaded.mesh, model, kFeatures, options, 2, "test");
  const auto places = branch.places(targets, kSide);
  ASSERT_GE(places.size(), 2U);
  ASSERT_LE(places.size(), 4U);
  for (const JointMesh::Place& place : places) EXPECT_EQ(place.face, 0U);
  const auto count = static_cast<double>(places.size());
  const auto loss = [&] {
    std::ranges::fill(branch.gradients(), 0.0F);
    return branch.add_loss(said.outputs, said.context, batch, targets, places, count);
  };
  const double before = loss();
  EXPECT_GT(before, 0.1);
  const std::vector<std::vector<float>> by_feature = said.by_feature;
  const std::vector<float> by_head(branch.gradients().begin(), branch.gradients().end());
  double product = 0;
  double ours = 0;
  double theirs = 0;
  const auto compare = [&](float& value, float gradient, float step) {
    const float kept = value;
    value = kept + step;
    const double above = loss();
    value = kept - step;
    const double difference = (above - loss()) / (2.0 * step);
    value = kept;
    product += difference * gradient;
    ours += double{gradient} * gradient;
    theirs += difference * difference;
  };
  const auto expect_alike = [&](const char* what) {
    ASSERT_GT(theirs, 0) << what;
    EXPECT_GE(product / std::sqrt(ours * theirs), 0.999) << what;
    EXPECT_NEAR(std::sqrt(ours / theirs), 1, 0.02) << what;
    product = ours = theirs = 0;
  };
  std::size_t touched = 0;
  for (std::size_t l = 0; l < by_feature.size(); ++l) {
    for (std::size_t i = 0; i < by_feature[l].size(); ++i) {
      if (by_feature[l][i] == 0) continue;
      ++touched;
      compare(said.features[l][i], by_feature[l][i], 3e-3F);
    }
  }
  EXPECT_LE(touched, places.size() * kFeatures);  // other cells have nothing to say
  expect_alike("features");
  Random random(8);
  for (int i = 0; i < 200; ++i) {
    const auto at = static_cast<std::size_t>(random.below(by_head.size()));
    if (by_head[at] != 0) compare(branch.values()[at], by_head[at], 2e-3F);
  }
  expect_alike("head");
}

TEST(JointMesh, ReachesTheNetworkWhateverComputesIt) {
  const models::LoadedModel loaded = models::load_builtin_model(models::kDefaultModel);
  const models::Model& model = models::find_model(models::kDefaultModel);
  ProcessGroup alone({});
  const auto batch = some_batch(2);
  const auto gradient_of = [&](float weight, int parts, const std::string& backend) {
    Recipe recipe = some_recipe(weight);
    recipe.accumulate = parts;
    TrainingStep step(recipe, model, loaded.weights, alone, nullptr,
                      {.engine = {.backend = backend}, .branch = &loaded.mesh});
    const LossValues loss = step.forward_backward(batch);
    EXPECT_EQ(loss.mesh > 0, weight > 0);
    return std::vector<float>(step.gradients().begin(), step.gradients().end());
  };
  const auto distance = [](std::span<const float> a, std::span<const float> b, std::size_t size) {
    double difference = 0;
    double square = 0;
    for (std::size_t i = 0; i < size; ++i) {
      difference += (double{a[i]} - b[i]) * (double{a[i]} - b[i]);
      square += double{b[i]} * b[i];
    }
    return std::sqrt(difference / square);
  };
  const std::vector<float> without = gradient_of(0, 1, "fused");
  const std::vector<float> with = gradient_of(1, 1, "fused");
  ASSERT_GT(with.size(), without.size());
  EXPECT_GT(distance(with, without, without.size()), 1e-3);
  const std::vector<float> other = gradient_of(1, 1, "autograd");
  EXPECT_LT(distance(other, with, with.size()), 1e-3);
  EXPECT_LT(distance(gradient_of(1, 2, "fused"), with, with.size()), 1e-4);
}

TEST(JointMesh, RefusesTheBranchOfAnotherModel) {
  const models::LoadedModel loaded = models::load_builtin_model(models::kDefaultModel);
  const models::Model& model = models::find_model(models::kDefaultModel);
  EXPECT_THAT(error_of([&] { JointMesh(loaded.mesh, model, 32, {}, 1, "its file"); }).what(),
              HasSubstr("its file"));
}

}  // namespace
}  // namespace retinaface::training
