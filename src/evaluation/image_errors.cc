#include "evaluation/image_errors.h"

#include <algorithm>
#include <functional>
#include <limits>

#include "base/check.h"

namespace retinaface::evaluation {
namespace {

/// The threshold with the largest F1, the highest of equals.
std::int32_t best_threshold(const Curve& curve) {
  std::int32_t best = -1;
  double best_f1 = 0;
  for (std::size_t t = 0; t < curve.recall.size(); ++t) {
    const double sum = curve.recall[t] + curve.precision[t];
    const double f1 = sum > 0 ? 2 * curve.recall[t] * curve.precision[t] / sum : 0;
    if (f1 > best_f1) {
      best_f1 = f1;
      best = static_cast<std::int32_t>(t);
    }
  }
  return best;
}

}  // namespace

double best_score(const WiderGroundTruth& truth, std::span<const ImageMatches> results) {
  PrecisionRecallCounts tally;
  for (const auto& [index, matches] : results) {
    const WiderImage& image = truth.images[index];
    tally.add(steps_of(matches, image.counted_in(Subset::kHard), kMinOverlap),
              image.faces_in(Subset::kHard));
  }
  const std::int32_t threshold = best_threshold(tally.curve());
  double lowest = std::numeric_limits<double>::infinity();
  for (const ImageMatches& result : results) {
    for (const Match& match : result.matches) {
      if (match.threshold <= threshold) lowest = std::min(lowest, match.score);
    }
  }
  return lowest;
}

ImageErrors errors_in(const WiderImage& image, std::span<const Match> matches, double min_score) {
  const auto& counted = image.counted_in(Subset::kHard);
  const std::vector<MatchOutcome> verdicts = judge(matches, counted, kMinOverlap);
  ImageErrors errors;
  for (std::size_t i = 0; i < matches.size() && matches[i].score >= min_score; ++i) {
    errors.found += verdicts[i] == MatchOutcome::kFound ? 1 : 0;
    errors.wrong += verdicts[i] == MatchOutcome::kWrong ? 1 : 0;
  }
  errors.missed = image.faces_in(Subset::kHard) - errors.found;
  return errors;
}

std::int64_t Disagreement::size() const {
  const auto [minimum, maximum] = std::ranges::minmax(errors, {}, &ImageErrors::total);
  return maximum.total() - minimum.total();
}

std::vector<Disagreement> find_disagreements(const WiderGroundTruth& truth,
                                             std::span<const ComparedDetector> detectors,
                                             std::span<const double> min_scores,
                                             std::size_t count) {
  RF_CHECK(!detectors.empty() && detectors.size() == min_scores.size());
  std::vector<Disagreement> all;
  for (std::size_t i = 0; i < detectors.front().results.size(); ++i) {
    Disagreement here{.image = detectors.front().results[i].image, .errors = {}};
    for (std::size_t c = 0; c < detectors.size(); ++c) {
      here.errors.push_back(
          errors_in(truth.images[here.image], detectors[c].results[i].matches, min_scores[c]));
    }
    if (here.size() > 0) all.push_back(std::move(here));
  }
  std::ranges::stable_sort(all, std::greater(), &Disagreement::size);
  all.resize(std::min(all.size(), count));
  return all;
}

}  // namespace retinaface::evaluation
