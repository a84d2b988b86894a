#include "evaluation/comparison.h"

#include <cmath>
#include <numeric>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "evaluation/comparison_report.h"
#include "support/random_results.h"

namespace retinaface::evaluation {
namespace {

using testing::all_of;
using ::testing::HasSubstr;
using ::testing::Not;
using testing::RandomSet;

const Metric& metric(const std::string& name) {
  for (const Metric& candidate : metrics()) {
    if (candidate.name == name) return candidate;
  }
  throw std::invalid_argument(name);
}

TEST(DrawImages, DrawsAsManyAsThereAreWithReplacement) {
  std::vector<double> sums(50);
  int untouched = 0;
  for (std::uint64_t sample = 0; sample < 400; ++sample) {
    const auto times = draw_images(50, 7, sample);
    EXPECT_EQ(std::accumulate(times.begin(), times.end(), 0U), 50U);
    for (std::size_t i = 0; i < 50; ++i) sums[i] += times[i];
    untouched += static_cast<int>(std::ranges::count(times, 0U));
  }
  for (const double sum : sums) EXPECT_NEAR(sum, 400, 100);  // five standard deviations
  EXPECT_NEAR(untouched / (400.0 * 50), std::pow(1 - 1.0 / 50, 50), 0.01);
  EXPECT_EQ(draw_images(50, 7, 3), draw_images(50, 7, 3));
  EXPECT_NE(draw_images(50, 7, 3), draw_images(50, 7, 4));
  EXPECT_NE(draw_images(50, 7, 3), draw_images(50, 8, 3));
}

// The oracle: the whole evaluation over a list in which images stand as often as they were drawn.
TEST(Resample, EqualsTheEvaluationOfTheDrawnImages) {
  const RandomSet set(21);
  const auto results = set.match(all_of(set.truth));
  const Resampling resampling{.samples = 5, .seed = 3};
  for (const Metric& each : metrics()) {
    const auto values = resample(set.truth, results, each, resampling);
    ASSERT_EQ(values.size(), 5U);
    for (std::uint64_t sample = 0; sample < 5; ++sample) {
      std::vector<ImageMatches> drawn;
      const auto times = draw_images(results.size(), 3, sample);
      for (std::size_t i = 0; i < results.size(); ++i) {
        drawn.insert(drawn.end(), times[i], results[i]);
      }
      const WiderReport report = evaluate_wider(set.truth, drawn);
      const double expected =
          each.overlaps.size() == 1 ? report.of(each.subset).average_precision : report.hard_map;
      EXPECT_NEAR(values[sample], expected, 1e-12) << each.name << " " << sample;
    }
  }
}

/// Images of one face each, which is found in every second one, and nothing else: AP is the share
/// of faces found, whose standard error is known.
struct CoinSet {
  static constexpr std::size_t kImages = 400;
  WiderGroundTruth truth;
  std::vector<std::size_t> images;

  CoinSet() {
    truth.events = {"0--Coins"};
    for (std::size_t i = 0; i < kImages; ++i) {
      WiderImage image{.event = 0, .name = std::to_string(i), .faces = {kFace}, .counted = {}};
      for (auto& flags : image.counted) flags = {1};
      truth.images.push_back(image);
      images.push_back(i);
    }
  }

  /// Finds the face of image i where `finds(i)`.
  std::vector<ImageMatches> match(const std::function<bool(std::size_t)>& finds) const {
    return match_images(truth, images, [&](std::size_t i) {
      return finds(i) ? std::vector<Detection>{{kFace, 0.9}} : std::vector<Detection>();
    });
  }

  static constexpr WiderBox kFace = {10, 10, 20, 20};
};

TEST(Compare, HasIntervalsOfTheWidthThatTheorySays) {
  const CoinSet set;
  const ComparedDetector detectors[] = {
      {"half", set.match([](std::size_t i) { return i % 2 == 0; })}};
  const Comparison comparison = compare(set.truth, detectors, {.samples = 2000});
  const Estimate& hard = comparison.rows[0].estimates[2];
  EXPECT_DOUBLE_EQ(hard.value, 0.5);
  const double half_width = 1.96 * std::sqrt(0.25 / CoinSet::kImages);
  EXPECT_NEAR(hard.interval.low, 0.5 - half_width, 0.15 * half_width);
  EXPECT_NEAR(hard.interval.high, 0.5 + half_width, 0.15 * half_width);
}

// Both find the same, one five images more: unpaired, the difference would drown.
TEST(Compare, MeasuresDifferencesOnTheSameSamples) {
  const CoinSet set;
  const auto half = [](std::size_t i) { return i % 2 == 0; };
  const auto more = [](std::size_t i) { return i % 2 == 0 || i < 10; };
  const ComparedDetector detectors[] = {
      {"half", set.match(half)}, {"more", set.match(more)}, {"same", set.match(half)}};
  const Comparison comparison = compare(set.truth, detectors, {.samples = 2000});
  const Estimate& gain = comparison.rows[1].differences[2];
  EXPECT_NEAR(gain.value, 5.0 / 400, 1e-12);
  // The number of the five that a sample holds is nearly Poisson of mean 5: 1 to 10.
  EXPECT_NEAR(gain.interval.low * 400, 1, 1);
  EXPECT_NEAR(gain.interval.high * 400, 10, 1);
  EXPECT_GT(
      comparison.rows[1].estimates[2].interval.high - comparison.rows[1].estimates[2].interval.low,
      3 * (gain.interval.high - gain.interval.low));
  const Estimate& none = comparison.rows[2].differences[2];
  EXPECT_EQ(none.value, 0);
  EXPECT_EQ(none.interval.low, 0);
  EXPECT_EQ(none.interval.high, 0);
}

TEST(CompareThreads, GiveTheSameResult) {
  const RandomSet set(9);
  const auto results = set.match(all_of(set.truth));
  const Metric& map = metric("map");
  EXPECT_EQ(resample(set.truth, results, map, {.samples = 40, .threads = 1}),
            resample(set.truth, results, map, {.samples = 40, .threads = 4}));
}

TEST(Compare, CountsItsProgressToTheEnd) {
  const RandomSet set(9);
  const ComparedDetector detectors[] = {{"a", set.match(all_of(set.truth))},
                                        {"b", set.match(all_of(set.truth))}};
  std::size_t calls = 0;
  compare(set.truth, detectors, {.samples = 3}, [&](std::size_t done, std::size_t of) {
    EXPECT_EQ(done, ++calls);
    EXPECT_EQ(of, 2U * 3 * (3 + map_overlaps().size()));
  });
  EXPECT_EQ(calls, 78U);
}

TEST(CentralInterval, InterpolatesBetweenNeighbours) {
  std::vector<double> values;
  for (int i = 100; i >= 0; --i) values.push_back(i);
  const Interval interval = central_interval(values);
  EXPECT_DOUBLE_EQ(interval.low, 2.5);
  EXPECT_DOUBLE_EQ(interval.high, 97.5);
  EXPECT_DOUBLE_EQ(central_interval({4}).low, 4);
  EXPECT_DOUBLE_EQ(central_interval({4}).high, 4);
}

TEST(ComparisonReport, SetsDetectorsBesideEachOther) {
  const CoinSet set;
  const ComparedDetector detectors[] = {
      {"first", set.match([](std::size_t i) { return i < 100; })},
      {"second", set.match([](std::size_t i) { return i < 300; })}};
  const Comparison comparison = compare(set.truth, detectors, {.samples = 10});
  const std::string text = format_comparison(comparison);
  EXPECT_THAT(text, HasSubstr("400 of 400 images"));
  EXPECT_THAT(text, HasSubstr("difference to first"));
  EXPECT_THAT(text, HasSubstr("+50.00 ["));
  EXPECT_THAT(text, HasSubstr("16 to 24                         400      25.00      75.00"));
}

TEST(ComparisonReport, EscapesNamesInThePage) {
  Comparison comparison;
  comparison.rows.resize(1);
  comparison.rows[0].name = "a<b>&\"c\"";
  const double scores[] = {0.5};
  const DrawnDisagreement drawn[] = {{"0--A/<i>", "01_i.jpg", {.image = 0, .errors = {{3, 2, 1}}}}};
  const std::string page = format_page(comparison, scores, drawn);
  EXPECT_THAT(page, HasSubstr("a&lt;b&gt;&amp;&quot;c&quot;"));
  EXPECT_THAT(page, HasSubstr("0--A/&lt;i&gt;"));
  EXPECT_THAT(page, HasSubstr("3 found, 2 missed, 1 wrong"));
  EXPECT_THAT(page, Not(HasSubstr("<i>")));
}

}  // namespace
}  // namespace retinaface::evaluation
