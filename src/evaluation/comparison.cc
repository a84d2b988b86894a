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

/// What a picture adds to a tally.
struct Contribution {
  std::vector<Step> steps;
  std::int64_t faces = 0;
};

std::vector<Contribution> contributions(const WiderGroundTruth& truth,
                                        std::span<const PictureMatches> results, Subset subset,
                                        double min_overlap) {
  std::vector<Contribution> all;
  all.reserve(results.size());
  for (const auto& [index, matches] : results) {
    const WiderPicture& picture = truth.pictures[index];
    all.push_back(
        {steps_of(matches, picture.counted_in(subset), min_overlap), picture.faces_in(subset)});
  }
  return all;
}

double sampled_ap(std::span<const Contribution> pictures, std::uint64_t seed,
                  std::uint64_t sample) {
  const std::vector<std::uint32_t> times = draw_pictures(pictures.size(), seed, sample);
  Tally tally;
  for (std::size_t i = 0; i < pictures.size(); ++i) {
    if (times[i] > 0) tally.add(pictures[i].steps, pictures[i].faces, times[i]);
  }
  return average_precision(tally.curve());
}

double percentile(const std::vector<double>& sorted, double fraction) {
  const double at = fraction * static_cast<double>(sorted.size() - 1);
  const auto below = static_cast<std::size_t>(at);
  const std::size_t above = std::min(below + 1, sorted.size() - 1);
  return std::lerp(sorted[below], sorted[above], at - std::floor(at));
}

double value_of(const WiderReport& report, const Measure& measure) {
  return measure.overlaps.size() == 1 ? report.of(measure.subset).average_precision
                                      : report.hard_map;
}

bool same_pictures(const Contestant& a, const Contestant& b) {
  return std::ranges::equal(a.results, b.results, {}, &PictureMatches::picture,
                            &PictureMatches::picture);
}

}  // namespace

const std::array<Measure, kMeasures>& measures() {
  static constexpr double kOverlap[] = {kMinOverlap};
  static const std::array<Measure, kMeasures> kAll = {{
      {"easy", Subset::kEasy, kOverlap},
      {"medium", Subset::kMedium, kOverlap},
      {"hard", Subset::kHard, kOverlap},
      {"map", Subset::kHard, map_overlaps()},
  }};
  return kAll;
}

std::vector<std::uint32_t> draw_pictures(std::size_t pictures, std::uint64_t seed,
                                         std::uint64_t sample) {
  Random random = Random::of(seed, sample);
  std::vector<std::uint32_t> times(pictures);
  for (std::size_t i = 0; i < pictures; ++i) ++times[random.below(pictures)];
  return times;
}

std::vector<double> resample(const WiderGroundTruth& truth, std::span<const PictureMatches> results,
                             const Measure& measure, const Resampling& resampling,
                             const Progress& progress) {
  const auto samples = static_cast<std::size_t>(resampling.samples);
  const std::size_t steps = samples * measure.overlaps.size();
  std::vector<double> values(samples);
  std::size_t done = 0;
  for (const double overlap : measure.overlaps) {
    const auto pictures = contributions(truth, results, measure.subset, overlap);
    std::size_t next = 0;
    std::size_t emitted = 0;
    run_in_order(
        resampling.threads, [&] { return next < samples ? std::optional(next++) : std::nullopt; },
        [&](std::size_t sample) { return sampled_ap(pictures, resampling.seed, sample); },
        [&](double ap) {
          values[emitted++] += ap / static_cast<double>(measure.overlaps.size());
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

Comparison compare(const WiderGroundTruth& truth, std::span<const Contestant> contestants,
                   const Resampling& resampling, const Progress& progress) {
  RF_CHECK(!contestants.empty());
  Comparison result{.pictures = contestants.front().results.size(),
                    .all_pictures = truth.pictures.size(),
                    .resampling = resampling,
                    .standings = {}};
  std::size_t steps = 0;
  for (const Measure& measure : measures()) {
    steps += measure.overlaps.size() * static_cast<std::size_t>(resampling.samples);
  }
  std::size_t done = 0;
  const Progress count = [&](std::size_t, std::size_t) {
    if (progress) progress(++done, steps * contestants.size());
  };

  std::array<std::vector<double>, kMeasures> first;  // the first contestant's samples
  for (const Contestant& contestant : contestants) {
    RF_CHECK(same_pictures(contestant, contestants.front()));
    Standing& standing = result.standings.emplace_back();
    standing.name = contestant.name;
    standing.report = evaluate_wider(truth, contestant.results);
    const WiderReport& first_report = result.standings.front().report;
    for (std::size_t m = 0; m < kMeasures; ++m) {
      const Measure& measure = measures()[m];
      const double value = value_of(standing.report, measure);
      std::vector<double> values = resample(truth, contestant.results, measure, resampling, count);
      if (first[m].empty()) first[m] = values;
      standing.estimates[m] = {value, central_interval(values)};
      std::ranges::transform(values, first[m], values.begin(), std::minus());
      standing.differences[m] = {value - value_of(first_report, measure),
                                 central_interval(std::move(values))};
    }
  }
  return result;
}

}  // namespace retinaface::evaluation
