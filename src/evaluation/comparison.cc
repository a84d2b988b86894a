#include "evaluation/comparison.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <optional>

#include "base/check.h"
#include "base/ordered_pipeline.h"
#include "base/random.h"

namespace retinaface::evaluation {
namespace {

constexpr double kLowPercentile = 0.025;
constexpr double kHighPercentile = 0.975;

/// What an image adds to a tally.
struct Contribution {
  std::vector<Step> steps;
  std::int64_t faces = 0;
};

std::vector<Contribution> contributions(const WiderGroundTruth& truth,
                                        std::span<const ImageMatches> results, Subset subset,
                                        double min_overlap) {
  std::vector<Contribution> all;
  all.reserve(results.size());
  for (const auto& [index, matches] : results) {
    const WiderImage& image = truth.images[index];
    all.push_back(
        {steps_of(matches, image.counted_in(subset), min_overlap), image.faces_in(subset)});
  }
  return all;
}

double sampled_ap(std::span<const Contribution> images, std::uint64_t seed, std::uint64_t sample) {
  const std::vector<std::uint32_t> times = draw_images(images.size(), seed, sample);
  PrecisionRecallCounts tally;
  for (std::size_t i = 0; i < images.size(); ++i) {
    if (times[i] > 0) tally.add(images[i].steps, images[i].faces, times[i]);
  }
  return average_precision(tally.curve());
}

double percentile(const std::vector<double>& sorted, double fraction) {
  const double at = fraction * static_cast<double>(sorted.size() - 1);
  const auto below = static_cast<std::size_t>(at);
  const std::size_t above = std::min(below + 1, sorted.size() - 1);
  return std::lerp(sorted[below], sorted[above], at - std::floor(at));
}

double value_of(const WiderReport& report, const Metric& metric) {
  return metric.overlaps.size() == 1 ? report.of(metric.subset).average_precision : report.hard_map;
}

bool same_images(const ComparedDetector& a, const ComparedDetector& b) {
  return std::ranges::equal(a.results, b.results, {}, &ImageMatches::image, &ImageMatches::image);
}

}  // namespace

const std::array<Metric, kMetrics>& metrics() {
  static constexpr double kOverlap[] = {kMinOverlap};
  static const std::array<Metric, kMetrics> kAll = {{
      {"easy", Subset::kEasy, kOverlap},
      {"medium", Subset::kMedium, kOverlap},
      {"hard", Subset::kHard, kOverlap},
      {"map", Subset::kHard, map_overlaps()},
  }};
  return kAll;
}

std::vector<std::uint32_t> draw_images(std::size_t images, std::uint64_t seed,
                                       std::uint64_t sample) {
  Random random = Random::of(seed, sample);
  std::vector<std::uint32_t> times(images);
  for (std::size_t i = 0; i < images; ++i) ++times[random.below(images)];
  return times;
}

std::vector<double> resample(const WiderGroundTruth& truth, std::span<const ImageMatches> results,
                             const Metric& metric, const Resampling& resampling,
                             const Progress& progress) {
  const auto samples = static_cast<std::size_t>(resampling.samples);
  const std::size_t steps = samples * metric.overlaps.size();
  std::vector<double> values(samples);
  std::size_t done = 0;
  for (const double overlap : metric.overlaps) {
    const auto images = contributions(truth, results, metric.subset, overlap);
    std::size_t emitted = 0;
    run_over(
        resampling.threads, samples,
        [&](std::size_t sample) { return sampled_ap(images, resampling.seed, sample); },
        [&](double ap) {
          values[emitted++] += ap / static_cast<double>(metric.overlaps.size());
          if (progress) progress(++done, steps);
        });
  }
  return values;
}

Interval central_interval(std::vector<double> values) {
  RF_CHECK(!values.empty());
  std::ranges::sort(values);
  return {percentile(values, kLowPercentile), percentile(values, kHighPercentile)};
}

Comparison compare(const WiderGroundTruth& truth, std::span<const ComparedDetector> detectors,
                   const Resampling& resampling, const Progress& progress) {
  RF_CHECK(!detectors.empty());
  Comparison result{.images = detectors.front().results.size(),
                    .all_images = truth.images.size(),
                    .resampling = resampling,
                    .rows = {}};
  std::size_t steps = 0;
  for (const Metric& metric : metrics()) {
    steps += metric.overlaps.size() * static_cast<std::size_t>(resampling.samples);
  }
  std::size_t done = 0;
  const Progress count = [&](std::size_t, std::size_t) {
    if (progress) progress(++done, steps * detectors.size());
  };

  std::array<std::vector<double>, kMetrics> first;  // the first detector's samples
  for (const ComparedDetector& detector : detectors) {
    RF_CHECK(same_images(detector, detectors.front()));
    ComparisonRow& row = result.rows.emplace_back();
    row.name = detector.name;
    row.report = evaluate_wider(truth, detector.results);
    const WiderReport& first_report = result.rows.front().report;
    for (std::size_t m = 0; m < kMetrics; ++m) {
      const Metric& metric = metrics()[m];
      const double value = value_of(row.report, metric);
      std::vector<double> values = resample(truth, detector.results, metric, resampling, count);
      if (first[m].empty()) first[m] = values;
      row.estimates[m] = {value, central_interval(values)};
      std::ranges::transform(values, first[m], values.begin(), std::minus());
      row.differences[m] = {value - value_of(first_report, metric),
                            central_interval(std::move(values))};
    }
  }
  return result;
}

}  // namespace retinaface::evaluation
