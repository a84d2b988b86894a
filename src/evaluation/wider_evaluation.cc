#include "evaluation/wider_evaluation.h"

#include <algorithm>
#include <limits>
#include <optional>
#include <utility>

#include "base/ordered_pipeline.h"

namespace retinaface::evaluation {
namespace {

SubsetReport report(const Tally& tally) {
  SubsetReport result{.recall = {tally.faces(), tally.found()}, .curve = tally.curve()};
  result.average_precision = average_precision(result.curve);
  return result;
}

/// One tally per event.
std::vector<Tally> tally_events(const WiderGroundTruth& truth,
                                std::span<const PictureMatches> results, Subset subset,
                                double min_overlap) {
  std::vector<Tally> tallies(truth.events.size());
  for (const auto& [index, matches] : results) {
    const WiderPicture& picture = truth.pictures[index];
    tallies[picture.event].add(steps_of(matches, picture.counted_in(subset), min_overlap),
                               picture.faces_in(subset));
  }
  return tallies;
}

SubsetReport report_all(std::span<const Tally> tallies) {
  Tally total;
  for (const Tally& tally : tallies) total.add(tally);
  return report(total);
}

/// One report per event, still without subsets.
std::vector<EventReport> list_events(const WiderGroundTruth& truth,
                                     std::span<const PictureMatches> results) {
  std::vector<EventReport> events(truth.events.size());
  for (std::size_t i = 0; i < events.size(); ++i) events[i].name = truth.events[i];
  for (const PictureMatches& result : results) {
    ++events[truth.pictures[result.picture].event].pictures;
  }
  return events;
}

std::vector<HeightReport> report_heights(const WiderGroundTruth& truth,
                                         std::span<const PictureMatches> results) {
  // WIDER calls 10 to 50 pixels small, 50 to 300 medium, more large; the small ones, where
  // detectors differ most, are divided further.
  constexpr double kEdges[] = {0,  10,  16,  24,
                               50, 100, 300, std::numeric_limits<double>::infinity()};
  std::vector<HeightReport> reports;
  for (std::size_t bin = 0; bin + 1 < std::size(kEdges); ++bin) {
    Tally tally;
    for (const auto& [index, matches] : results) {
      const WiderPicture& picture = truth.pictures[index];
      std::vector<std::uint8_t> counted = picture.counted_in(Subset::kHard);
      for (std::size_t i = 0; i < counted.size(); ++i) {
        const double height = picture.faces[i].height;
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

std::vector<PictureMatches> match_pictures(const WiderGroundTruth& truth,
                                           std::span<const std::size_t> pictures,
                                           const DetectionSource& source, int threads,
                                           const Progress& progress) {
  std::vector<PictureMatches> results;
  results.reserve(pictures.size());
  std::size_t next = 0;
  run_in_order(
      threads,
      [&] { return next < pictures.size() ? std::optional(pictures[next++]) : std::nullopt; },
      [&](std::size_t picture) {
        return PictureMatches{picture, match_faces(truth.pictures[picture].faces, source(picture))};
      },
      [&](PictureMatches result) {
        results.push_back(std::move(result));
        if (progress) progress(results.size(), pictures.size());
      });

  ScoreRange range;
  for (const PictureMatches& result : results) {
    for (const Match& match : result.matches) range.include(match.score);
  }
  for (PictureMatches& result : results) range.place(result.matches);
  return results;
}

WiderReport evaluate_wider(const WiderGroundTruth& truth, std::span<const PictureMatches> results) {
  WiderReport result;
  result.pictures = results.size();
  result.all_pictures = truth.pictures.size();
  result.events = list_events(truth, results);
  for (const Subset subset : kSubsets) {
    const auto s = static_cast<std::size_t>(subset);
    const std::vector<Tally> tallies = tally_events(truth, results, subset, kMinOverlap);
    result.subsets[s] = report_all(tallies);
    for (std::size_t event = 0; event < tallies.size(); ++event) {
      result.events[event].subsets[s] = report(tallies[event]);
      result.events[event].subsets[s].curve = {};
    }
  }
  std::erase_if(result.events, [](const EventReport& event) { return event.pictures == 0; });

  for (const double overlap : map_overlaps()) {
    const std::vector<Tally> tallies = tally_events(truth, results, Subset::kHard, overlap);
    result.hard_map +=
        report_all(tallies).average_precision / static_cast<double>(map_overlaps().size());
  }
  result.heights = report_heights(truth, results);
  return result;
}

}  // namespace retinaface::evaluation
