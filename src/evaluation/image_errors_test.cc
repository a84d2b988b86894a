#include "evaluation/image_errors.h"

#include <cmath>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support/random_results.h"

namespace retinaface::evaluation {
namespace {

using testing::all_of;
using ::testing::IsEmpty;
using testing::Predictions;
using testing::RandomSet;

constexpr WiderBox kLeft{0, 0, 9, 9};
constexpr WiderBox kRight{100, 0, 9, 9};
constexpr WiderBox kNowhere{500, 500, 9, 9};

/// Images with the faces kLeft, which counts, and kRight, which does only where `both`.
WiderGroundTruth images_of_two(const std::vector<bool>& both) {
  WiderGroundTruth truth;
  truth.events = {"0--A"};
  for (const bool right_counts : both) {
    WiderImage image{.event = 0, .name = "p", .faces = {kLeft, kRight}, .counted = {}};
    for (auto& flags : image.counted) {
      flags = {1, static_cast<std::uint8_t>(right_counts ? 1 : 0)};
    }
    truth.images.push_back(image);
  }
  return truth;
}

std::vector<ImageMatches> match(const WiderGroundTruth& truth, const Predictions& predictions) {
  return match_images(truth, all_of(truth), [&](std::size_t p) { return predictions[p]; });
}

TEST(BestScore, IsWhereOneMoreDetectionCostsMoreThanItFinds) {
  const WiderGroundTruth truth = images_of_two({true});
  // F1 after each: 2/3, 4/4, then it falls.
  const Predictions predictions = {{{kLeft, 0.9}, {kRight, 0.6}, {kNowhere, 0.4}, {kNowhere, 0.2}}};
  EXPECT_EQ(best_score(truth, match(truth, predictions)), 0.6);
  EXPECT_TRUE(std::isinf(best_score(truth, match(truth, {{{kNowhere, 0.6}}}))));
  EXPECT_TRUE(std::isinf(best_score(truth, match(truth, {{}}))));
}

// The oracle tries every score that occurs; with few detections no two share a threshold unless
// their scores are equal.
TEST(BestScore, IsTheBestOfAllScores) {
  for (unsigned seed = 1; seed <= 8; ++seed) {
    const RandomSet set(seed);
    const auto results = set.match(all_of(set.truth));
    const auto f1_at = [&](double score) {
      ImageErrors sum;
      for (const ImageMatches& result : results) {
        const auto errors = errors_in(set.truth.images[result.image], result.matches, score);
        sum.found += errors.found;
        sum.missed += errors.missed;
        sum.wrong += errors.wrong;
      }
      return 2.0 * static_cast<double>(sum.found) /
             static_cast<double>(2 * sum.found + sum.missed + sum.wrong);
    };
    double best = 0;
    for (const ImageMatches& result : results) {
      for (const Match& each : result.matches) best = std::max(best, f1_at(each.score));
    }
    EXPECT_NEAR(f1_at(best_score(set.truth, results)), best, 1e-12) << seed;
  }
}

TEST(ErrorsIn, AreCountedFromTheScoreUp) {
  const WiderGroundTruth truth = images_of_two({true, false});
  const std::vector<Detection> detections = {
      {kLeft, 0.9}, {kLeft, 0.8}, {kRight, 0.6}, {kNowhere, 0.4}};
  const auto results = match(truth, {detections, detections});
  const auto errors = [&](std::size_t image, double score) {
    return errors_in(truth.images[image], results[image].matches, score);
  };
  EXPECT_EQ(errors(0, 0.95), (ImageErrors{.found = 0, .missed = 2, .wrong = 0}));
  EXPECT_EQ(errors(0, 0.9), (ImageErrors{.found = 1, .missed = 1, .wrong = 0}));
  EXPECT_EQ(errors(0, 0.7), (ImageErrors{.found = 1, .missed = 1, .wrong = 1}));
  EXPECT_EQ(errors(0, 0), (ImageErrors{.found = 2, .missed = 0, .wrong = 2}));
  EXPECT_EQ(errors(1, 0), (ImageErrors{.found = 1, .missed = 0, .wrong = 2}));
}

TEST(FindDisagreements, ComeByTheDifferenceOfErrors) {
  const WiderGroundTruth truth = images_of_two({true, true, true, true});
  const std::vector<Detection> good = {{kLeft, 0.9}, {kRight, 0.8}};
  const std::vector<Detection> some = {{kLeft, 0.9}};
  const std::vector<Detection> bad = {{kNowhere, 0.9}};
  const ComparedDetector detectors[] = {{"a", match(truth, {good, some, good, good})},
                                        {"b", match(truth, {some, some, bad, some})}};
  const double scores[] = {0, 0};
  const auto found = find_disagreements(truth, detectors, scores, 10);
  ASSERT_EQ(found.size(), 3U);  // in the second they agree
  EXPECT_EQ(found[0].image, 2U);
  EXPECT_EQ(found[0].size(), 3);
  EXPECT_EQ(found[1].image, 0U);  // of equals in the images' order
  EXPECT_EQ(found[2].image, 3U);
  EXPECT_EQ(found[0].errors[1], (ImageErrors{.found = 0, .missed = 2, .wrong = 1}));
  EXPECT_EQ(find_disagreements(truth, detectors, scores, 1).size(), 1U);
  const ComparedDetector same[] = {detectors[0], detectors[0]};
  EXPECT_THAT(find_disagreements(truth, same, scores, 10), IsEmpty());
}

}  // namespace
}  // namespace retinaface::evaluation
