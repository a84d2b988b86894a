#include "evaluation/picture_errors.h"

#include <algorithm>
#include <functional>
#include <limits>

#include "base/check.h"

namespace retinaface::evaluation {
namespace {

/// The threshold with the greatest F1, the highest of equals.
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

double best_score(const WiderGroundTruth& truth, std::span<const PictureMatches> results) {
  Tally tally;
  for (const auto& [index, matches] : results) {
    const WiderPicture& picture = truth.pictures[index];
    tally.add(steps_of(matches, picture.counted_in(Subset::kHard), kMinOverlap),
              picture.faces_in(Subset::kHard));
  }
  const std::int32_t threshold = best_threshold(tally.curve());
  double lowest = std::numeric_limits<double>::infinity();
  for (const PictureMatches& result : results) {
    for (const Match& match : result.matches) {
      if (match.threshold <= threshold) lowest = std::min(lowest, match.score);
    }
  }
  return lowest;
}

PictureErrors errors_in(const WiderPicture& picture, std::span<const Match> matches,
                        double min_score) {
  const auto& counted = picture.counted_in(Subset::kHard);
  const std::vector<Verdict> verdicts = judge(matches, counted, kMinOverlap);
  PictureErrors errors;
  for (std::size_t i = 0; i < matches.size() && matches[i].score >= min_score; ++i) {
    errors.found += verdicts[i] == Verdict::kFound ? 1 : 0;
    errors.wrong += verdicts[i] == Verdict::kWrong ? 1 : 0;
  }
  errors.missed = picture.faces_in(Subset::kHard) - errors.found;
  return errors;
}

std::int64_t Disagreement::size() const {
  const auto [least, most] = std::ranges::minmax(errors, {}, &PictureErrors::total);
  return most.total() - least.total();
}

std::vector<Disagreement> find_disagreements(const WiderGroundTruth& truth,
                                             std::span<const Contestant> contestants,
                                             std::span<const double> min_scores,
                                             std::size_t count) {
  RF_CHECK(!contestants.empty() && contestants.size() == min_scores.size());
  std::vector<Disagreement> all;
  for (std::size_t i = 0; i < contestants.front().results.size(); ++i) {
    Disagreement here{.picture = contestants.front().results[i].picture, .errors = {}};
    for (std::size_t c = 0; c < contestants.size(); ++c) {
      here.errors.push_back(errors_in(truth.pictures[here.picture],
                                      contestants[c].results[i].matches, min_scores[c]));
    }
    if (here.size() > 0) all.push_back(std::move(here));
  }
  std::ranges::stable_sort(all, std::greater(), &Disagreement::size);
  all.resize(std::min(all.size(), count));
  return all;
}

}  // namespace retinaface::evaluation
