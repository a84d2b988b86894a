#include "evaluation/wider_evaluation.h"

#include <algorithm>
#include <limits>
#include <optional>
#include <utility>

#include "base/ordered_pipeline.h"

namespace retinaface::evaluation {
namespace {

SubsetReport report(const PrecisionRecallCounts& tally) {
  SubsetReport result{.recall = {tally.faces(), tally.found()}, .curve = tally.curve()};
  result.average_precision = average_precision(result.curve);
  return result;
}

/// One tally per event.
std::vector<PrecisionRecallCounts> tally_events(const WiderGroundTruth& truth,
                                                std::span<const ImageMatches> results,
                                                Subset subset, double min_overlap) {
  std::vector<PrecisionRecallCounts> tallies(truth.events.size());
  for (const auto& [index, matches] : results) {
    const WiderImage& image = truth.images[index];
    tallies[image.event].add(steps_of(matches, image.counted_in(subset), min_overlap),
                             image.faces_in(subset));
  }
  return tallies;
}

SubsetReport report_all(std::span<const PrecisionRecallCounts> tallies) {
  PrecisionRecallCounts total;
  for (const PrecisionRecallCounts& tally : tallies) total.add(tally);
  return report(total);
}

/// One report per event, still without subsets.
std::vector<EventReport> list_events(const WiderGroundTruth& truth,
                                     std::span<const ImageMatches> results) {
  std::vector<EventReport> events(truth.events.size());
  for (std::size_t i = 0; i < events.size(); ++i) events[i].name = truth.events[i];
  for (const ImageMatches& result : results) {
    ++events[truth.images[result.image].event].images;
  }
  return events;
}

std::vector<HeightReport> report_heights(const WiderGroundTruth& truth,
                                         std::span<const ImageMatches> results) {
  // WIDER calls 10 to 50 pixels small, 50 to 300 medium, more large; the small ones, where
  // detectors differ most, are divided further.
  constexpr double kEdges[] = {0,  10,  16,  24,
                               50, 100, 300, std::numeric_limits<double>::infinity()};
  std::vector<HeightReport> reports;
  for (std::size_t bin = 0; bin + 1 < std::size(kEdges); ++bin) {
    PrecisionRecallCounts tally;
    for (const auto& [index, matches] : results) {
      const WiderImage& image = truth.images[index];
      std::vector<std::uint8_t> counted = image.counted_in(Subset::kHard);
      for (std::size_t i = 0; i < counted.size(); ++i) {
        const double height = image.faces[i].height;
        if (height < kEdges[bin] || height >= kEdges[bin + 1]) counted[i] = 0;
      }
      tally.add(steps_of(matches, counted, kMinOverlap),
                std::ranges::count(counted, std::uint8_t{1}));
    }
    const SubsetReport part = report(tally);
    reports.push_back({.min_height = kEdges[bin],
                       .max_height = kEdges[bin + 1],
                       .recall = part.recall,
                       .average_precision = part.average_precision});
  }
  return reports;
}

}  // namespace

std::span<const double> map_overlaps() {
  static constexpr double kValues[] = {0.50, 0.55, 0.60, 0.65, 0.70, 0.75, 0.80, 0.85, 0.90, 0.95};
  return kValues;
}

std::vector<ImageMatches> match_images(const WiderGroundTruth& truth,
                                       std::span<const std::size_t> images,
                                       const DetectionSource& source, int threads,
                                       const Progress& progress) {
  std::vector<ImageMatches> results;
  results.reserve(images.size());
  run_over(
      threads, images.size(),
      [&](std::size_t i) {
        const std::size_t image = images[i];
        return ImageMatches{image, match_faces(truth.images[image].faces, source(image))};
      },
      [&](ImageMatches result) {
        results.push_back(std::move(result));
        if (progress) progress(results.size(), images.size());
      });

  ScoreRange range;
  for (const ImageMatches& result : results) {
    for (const Match& match : result.matches) range.include(match.score);
  }
  for (ImageMatches& result : results) range.place(result.matches);
  return results;
}

WiderReport evaluate_wider(const WiderGroundTruth& truth, std::span<const ImageMatches> results) {
  WiderReport result;
  result.images = results.size();
  result.all_images = truth.images.size();
  result.events = list_events(truth, results);
  for (const Subset subset : kSubsets) {
    const auto s = static_cast<std::size_t>(subset);
    const std::vector<PrecisionRecallCounts> tallies =
        tally_events(truth, results, subset, kMinOverlap);
    result.subsets[s] = report_all(tallies);
    for (std::size_t event = 0; event < tallies.size(); ++event) {
      result.events[event].subsets[s] = report(tallies[event]);
      result.events[event].subsets[s].curve = {};
    }
  }
  std::erase_if(result.events, [](const EventReport& event) { return event.images == 0; });

  for (const double overlap : map_overlaps()) {
    const std::vector<PrecisionRecallCounts> tallies =
        tally_events(truth, results, Subset::kHard, overlap);
    result.hard_map +=
        report_all(tallies).average_precision / static_cast<double>(map_overlaps().size());
  }
  result.heights = report_heights(truth, results);
  return result;
}

}  // namespace retinaface::evaluation
