#include "training/loss.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <list>
#include <optional>

#include <gtest/gtest.h>

#include "retinaface/error.h"

#include "base/random.h"
#include "detection/anchors.h"
#include "detection/box_coding.h"
#include "geometry/box.h"
#include "support/testing.h"
#include "training/matching.h"
#include "training/testing.h"

namespace retinaface::training {
namespace {

using dataset::AnnotatedFace;
using dataset::PointState;
using testing::expect_gradients;
using testing::kFamily;
using testing::kSide;
using testing::Outputs;

AnnotatedFace face_with_points(const Box& box) {
  AnnotatedFace face;
  face.box = box;
  for (std::size_t i = 0; i < 5; ++i) {
    face.points[i] = {{box.x0 + static_cast<float>(i), box.y0 + 2}, PointState::kVisible};
  }
  return face;
}

std::vector<ImageTarget> two_targets() {
  AnnotatedFace plain;
  plain.box = {9, 1, 15, 9};
  std::vector<ImageTarget> targets(2);
  targets[0].faces = {face_with_points({0, 0, 8, 8}), plain};
  targets[1].faces = {face_with_points({2, 1, 14, 15})};
  for (ImageTarget& target : targets) {
    target.match = match_anchors(kFamily, kSide, kSide, target.faces, {.force_best = true});
  }
  return targets;
}

LossValues loss_of(Outputs& outputs, const std::vector<ImageTarget>& targets,
                   const LossOptions& options) {
  return compute_loss(outputs.views(), targets, kFamily, models::face_heads(), kSide, kSide,
                      count_positives(targets, models::face_heads(), options), options);
}

TEST(Loss, EqualsAnExampleWorkedByHand) {
  Outputs outputs(1);
  for (auto& values : outputs.values) std::ranges::fill(values, 0.0F);
  // One positive, anchor 0 of image 0: centre (4, 4), side 8. All others but one are neither.
  std::vector<ImageTarget> targets(2);
  targets[0].faces = {face_with_points({0, 0, 8, 16})};
  targets[0].match.assign(9, kNeither);
  targets[0].match[0] = 0;
  targets[0].match[3] = kBackground;
  targets[1].match.assign(9, kNeither);
  outputs.values[0][2 * 3 + 1] = 1;  // the negative's logit for a face

  const LossValues loss = loss_of(outputs, targets, {});
  // Positive: log 2. Negative: log(1 + e).
  EXPECT_NEAR(loss.term("cls"), std::log(2.0) + std::log(1 + std::exp(1.0)), 1e-6);
  // Offsets: dx 0, dy 4 / (0.1 8) = 5, dw 0, dh log(2) / 0.2 = 3.47: linear parts.
  EXPECT_NEAR(loss.term("box"), (5 - 0.5) + (std::log(2.0) / 0.2 - 0.5), 1e-5);
  // Points at x 0 1 2 3 4, y 2, offsets by 0.8: x -5 -3.75 -2.5 -1.25 0, y -2.5.
  EXPECT_NEAR(loss.term("landmarks"), (4.5 + 3.25 + 2.0 + 0.75 + 0) + 5 * 2.0, 1e-5);
  EXPECT_NEAR(loss.total, loss.term("cls") + 0.25 * loss.term("box") + 0.1 * loss.term("landmarks"),
              1e-6);
}

TEST(Loss, GradientsEqualFiniteDifferences) {
  const std::vector<ImageTarget> targets = two_targets();
  LossOptions options;
  options.negatives_per_positive = 2;
  options.smooth_l1_beta = 0.5F;
  Outputs outputs(3);
  loss_of(outputs, targets, options);
  EXPECT_GE(expect_gradients(outputs, [&] { return loss_of(outputs, targets, options).total; }),
            50U);
}

/// Outputs and targets of more images than threads, each with another number of faces.
struct ManyImages {
  static constexpr std::size_t kImages = 7;

  ManyImages() {
    Random random(6);
    for (const models::Head& head : models::face_heads()) {
      HeadBatch& batch = views.emplace_back();
      for (const std::size_t anchors : {8U, 1U}) {
        auto& map = values.emplace_back(kImages * anchors * static_cast<std::size_t>(head.values));
        for (float& value : map) value = static_cast<float>(random.uniform(-2, 2));
        batch.values.emplace_back(map);
        batch.gradients.emplace_back(gradients.emplace_back(map.size(), 99.0F));
      }
    }
    for (std::size_t n = 0; n < kImages; ++n) {
      ImageTarget& target = targets.emplace_back();
      for (std::size_t i = 0; i < n % 3; ++i) {
        const auto x = static_cast<float>(random.uniform(0, 8));
        target.faces.push_back(face_with_points({x, 1, x + 7, 9}));
      }
      target.match = match_anchors(kFamily, kSide, kSide, target.faces, {.force_best = true});
    }
  }

  std::list<std::vector<float>> values;
  std::list<std::vector<float>> gradients;
  NetworkOutputs views;
  std::vector<ImageTarget> targets;
};

TEST(LossThreads, ChangeNoBit) {
  const LossOptions options;
  const auto compute = [&](ManyImages& images, int threads) {
    return compute_loss(images.views, images.targets, kFamily, models::face_heads(), kSide, kSide,
                        count_positives(images.targets, models::face_heads(), options), options,
                        threads);
  };
  ManyImages one;
  const LossValues expected = compute(one, 1);
  ASSERT_GT(expected.term("landmarks"), 0);
  for (const int threads : {2, 3, 16}) {
    ManyImages several;
    const LossValues loss = compute(several, threads);
    EXPECT_EQ(loss.total, expected.total);
    for (std::size_t h = 0; h < loss.terms.size(); ++h) {
      EXPECT_EQ(loss.terms[h].value, expected.terms[h].value);
    }
    EXPECT_EQ(several.gradients, one.gradients);
  }
}

TEST(Loss, GradientsOfWholeBoxesEqualFiniteDifferences) {
  const std::vector<ImageTarget> targets = two_targets();
  for (const BoxLoss box : {BoxLoss::kGiou, BoxLoss::kDiou}) {
    LossOptions options;
    options.box = box;
    options.weights["box"] = 2;
    Outputs outputs(3);
    loss_of(outputs, targets, options);
    EXPECT_GE(expect_gradients(outputs, [&] { return loss_of(outputs, targets, options).total; }),
              50U);
  }
}

/// What the outputs' boxes have of the faces', in the order of detection::make_anchors; nothing
/// for anchors that are no face's.
std::vector<std::optional<double>> qualities(const Outputs& outputs, const ImageTarget& target,
                                             std::size_t image) {
  const auto anchors = detection::make_anchors(kFamily, kSide, kSide);
  std::vector<std::optional<double>> result(anchors.size());
  for (std::size_t a = 0; a < anchors.size(); ++a) {
    if (target.match[a] < 0) continue;
    const std::vector<float>& map = outputs.values[a < 8 ? 2 : 3];
    const float* const values = map.data() + 4 * (a < 8 ? image * 8 + a : image);
    const Box box =
        detection::decode_box(anchors[a], {values[0], values[1], values[2], values[3]}, kFamily);
    const Box& face = target.faces[static_cast<std::size_t>(target.match[a])].box;
    result[a] = static_cast<double>(iou(box, face));
  }
  return result;
}

TEST(Loss, QualityFocalIsOfAllAnchorsByTheirBoxes) {
  std::vector<ImageTarget> targets = two_targets();
  targets[0].match[5] = kNeither;
  targets[1].faces[0].points_score = 0.5F;
  LossOptions options;
  options.score = ScoreLoss::kQualityFocal;
  options.soft_targets = true;
  Outputs outputs(5);
  const LossValues loss = loss_of(outputs, targets, options);
  double sum = 0;
  double positives = 0;
  for (std::size_t image = 0; image < 2; ++image) {
    const auto quality = qualities(outputs, targets[image], image);
    for (std::size_t a = 0; a < 9; ++a) {
      const std::int32_t match = targets[image].match[a];
      const std::size_t place = 2 * (a < 8 ? image * 8 + a : image);
      const std::vector<float>& logits = outputs.values[a < 8 ? 0 : 1];
      const float slope = outputs.gradients[a < 8 ? 0 : 1][place + 1];
      if (match == kNeither) {
        EXPECT_EQ(slope, 0);
        continue;
      }
      const double label =
          match < 0 ? 0
                    : static_cast<double>(
                          targets[image].faces[static_cast<std::size_t>(match)].points_score);
      positives += label;
      const double wanted = label * quality[a].value_or(0);
      const double d = static_cast<double>(logits[place + 1] - logits[place]);
      const double score = 1 / (1 + std::exp(-d));
      sum -= (wanted - score) * (wanted - score) *
             (wanted * std::log(score) + (1 - wanted) * std::log(1 - score));
      EXPECT_NE(slope, 0) << image << " " << a;
    }
  }
  EXPECT_NEAR(loss.term("cls"), sum / positives, 1e-6);
}

TEST(Loss, GradientsOfQualityFocalEqualFiniteDifferences) {
  const std::vector<ImageTarget> targets = two_targets();
  LossOptions options;
  options.score = ScoreLoss::kQualityFocal;
  // No derivative goes from the scores through the boxes, so the boxes' own must have no part.
  options.weights = {{"cls", 3.0F}, {"box", 0.0F}, {"landmarks", 0.0F}};
  Outputs outputs(3);
  loss_of(outputs, targets, options);
  constexpr std::size_t kScoreMaps = 2;
  EXPECT_GE(expect_gradients(
                outputs, [&] { return loss_of(outputs, targets, options).total; }, kScoreMaps),
            20U);
  for (std::size_t i = kScoreMaps; i < outputs.gradients.size(); ++i) {
    for (const float gradient : outputs.gradients[i]) EXPECT_EQ(gradient, 0);
  }
}

TEST(Loss, MinesTheHardestNegativesOfEachImage) {
  const std::vector<ImageTarget> targets = two_targets();
  Outputs outputs(4);
  LossOptions options;
  options.negatives_per_positive = 1;
  loss_of(outputs, targets, options);
  for (std::size_t image = 0; image < 2; ++image) {
    std::size_t positives = 0;
    std::vector<std::pair<float, bool>> negatives;  // margin, learnt
    for (std::size_t a = 0; a < 9; ++a) {
      const std::size_t map = a < 8 ? 0 : 1;
      const std::size_t place = 2 * (a < 8 ? image * 8 + a : image);
      const float margin = outputs.values[map][place + 1] - outputs.values[map][place];
      const bool learnt = outputs.gradients[map][place] != 0;
      if (targets[image].match[a] >= 0) ++positives;
      if (targets[image].match[a] == kBackground) negatives.emplace_back(margin, learnt);
      if (targets[image].match[a] == kNeither) {
        EXPECT_FALSE(learnt);
      }
    }
    ASSERT_GT(positives, 0U);
    std::ranges::sort(negatives, std::greater());
    for (std::size_t i = 0; i < negatives.size(); ++i) {
      EXPECT_EQ(negatives[i].second, i < positives) << image << " " << i;
    }
  }
}

TEST(Loss, WithoutFacesIsZeroOrThatOfTheMinNegatives) {
  std::vector<ImageTarget> targets(2);
  for (ImageTarget& target : targets) target.match.assign(9, kBackground);
  Outputs outputs(5);
  EXPECT_EQ(loss_of(outputs, targets, {}).total, 0);
  LossOptions options;
  options.min_negatives = 2;
  const LossValues loss = loss_of(outputs, targets, options);
  EXPECT_GT(loss.term("cls"), 0);
  EXPECT_EQ(loss.term("box"), 0);
}

TEST(Loss, LeavesOutBoxesThatAreEstimatesAndPointsThatAreUnsure) {
  std::vector<ImageTarget> targets = two_targets();
  for (ImageTarget& target : targets) {
    for (AnnotatedFace& face : target.faces) {
      face.box_is_estimate = true;
      face.points_score = 0.3F;
    }
  }
  Outputs outputs(6);
  LossOptions options;
  options.min_points_score = 0.5F;
  const LossValues loss = loss_of(outputs, targets, options);
  EXPECT_GT(loss.term("cls"), 0);
  EXPECT_EQ(loss.term("box"), 0);
  EXPECT_EQ(loss.term("landmarks"), 0);
}

TEST(Loss, SoftTargetsTeachTheScoreOfTheLabel) {
  std::vector<ImageTarget> targets = two_targets();
  targets[0].faces[0].points_score = 0.25F;
  targets[0].faces[1].points_score = 0.5F;
  LossOptions options;
  options.soft_targets = true;
  options.negatives_per_positive = 0;
  Outputs outputs(5);
  loss_of(outputs, targets, options);
  EXPECT_GE(expect_gradients(outputs, [&] { return loss_of(outputs, targets, options).total; }),
            30U);

  // Nothing pulls at a score that is the label's, and each face's share is its score.
  double scores = 0;
  for (std::size_t image = 0; image < 2; ++image) {
    for (std::size_t a = 0; a < 9; ++a) {
      const std::int32_t match = targets[image].match[a];
      if (match < 0) continue;
      const double score =
          static_cast<double>(targets[image].faces[static_cast<std::size_t>(match)].points_score);
      scores += score;
      const std::size_t map = a < 8 ? 0 : 1;
      const std::size_t place = 2 * (a < 8 ? image * 8 + a : image);
      outputs.values[map][place] = 0;
      outputs.values[map][place + 1] =
          score == 1 ? 50.0F : static_cast<float>(std::log(score / (1 - score)));
    }
  }
  EXPECT_NEAR(count_positives(targets, models::face_heads(), options).positives, scores, 1e-9);
  loss_of(outputs, targets, options);
  for (std::size_t map : {0U, 1U}) {
    for (const float gradient : outputs.gradients[map]) EXPECT_NEAR(gradient, 0, 1e-7);
  }

  // Without them the score says nothing.
  options.soft_targets = false;
  const LossValues hard = loss_of(outputs, targets, options);
  for (ImageTarget& target : targets) {
    for (AnnotatedFace& face : target.faces) face.points_score = 1;
  }
  EXPECT_EQ(loss_of(outputs, targets, options).total, hard.total);
}

TEST(Loss, OfAddedHeadIsTheDistanceOfItsValues) {
  std::vector<models::Head> heads = models::face_heads();
  heads.push_back({.name = "tone", .module = "ToneHead", .values = 1, .loss_weight = 0.5F});
  std::vector<ImageTarget> targets = two_targets();
  targets[0].faces[0].values = {{"tone", {0.25F}}};
  Outputs outputs(5);
  std::vector<std::vector<float>> tones = {std::vector<float>(16, 1.0F),
                                           std::vector<float>(2, 1.0F)};
  std::vector<std::vector<float>> gradients = tones;
  NetworkOutputs views = outputs.views();
  views.push_back({{tones[0], tones[1]}, {gradients[0], gradients[1]}});
  const LossCounts counts = count_positives(targets, heads, {});
  const auto learners = std::ranges::count(targets[0].match, 0);
  ASSERT_GT(learners, 0);
  EXPECT_EQ(counts.by_head.back(), learners);
  const LossValues with = compute_loss(views, targets, kFamily, heads, kSide, kSide, counts, {});
  EXPECT_NEAR(with.term("tone"), 0.75, 1e-6);
  EXPECT_NEAR(with.total, loss_of(outputs, targets, {}).total + 0.5 * 0.75, 1e-6);
  // Only the anchors of the face with a value are moved, each by its share.
  double slope = 0;
  for (const auto& level : gradients) {
    for (const float gradient : level) slope += static_cast<double>(gradient);
  }
  EXPECT_NEAR(slope, 0.5, 1e-6);
  EXPECT_EQ(gradients[0][8], 0) << "of the second image";

  targets[0].faces[0].values = {{"tone", {1, 2}}};
  EXPECT_THROW(compute_loss(views, targets, kFamily, heads, kSide, kSide, counts, {}),
               retinaface::Error);
}

TEST(Loss, IsCrossEntropyOfScoresAndOfNothingElse) {
  const auto message = [](std::vector<models::Head> heads) {
    const retinaface::Error error = retinaface::testing::error_of([&] { check_losses(heads); });
    EXPECT_EQ(error.code(), ErrorCode::kUnsupported);
    return std::string(error.what());
  };
  std::vector<models::Head> heads = models::face_heads();
  EXPECT_NO_THROW(check_losses(heads));
  heads.push_back({.name = "tone", .module = "ToneHead", .values = 1});
  for (const models::HeadLoss loss : {models::HeadLoss::kL1, models::HeadLoss::kSmoothL1}) {
    heads.back().loss = loss;
    EXPECT_NO_THROW(check_losses(heads));
  }
  heads.back().loss = models::HeadLoss::kCrossEntropy;
  EXPECT_EQ(message(heads),
            "head tone: cannot be trained: expected smooth-L1 or L1 as its loss, found "
            "cross-entropy, which is for scores alone");
  heads = models::face_heads();
  heads[models::score_head(heads)].loss = models::HeadLoss::kL1;
  EXPECT_EQ(message(heads),
            "head cls: cannot be trained: expected cross-entropy as the loss of scores, found one "
            "of distances");
}

TEST(Loss, StaysFiniteForExtremeLogits) {
  const std::vector<ImageTarget> targets = two_targets();
  Outputs outputs(7);
  for (float& value : outputs.values[0]) value *= 1e4F;
  const LossValues loss = loss_of(outputs, targets, {});
  EXPECT_TRUE(std::isfinite(loss.total));
  for (const float gradient : outputs.gradients[0]) EXPECT_LE(std::abs(gradient), 1);
}

}  // namespace
}  // namespace retinaface::training
