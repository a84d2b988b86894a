#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "evaluation/comparison.h"

namespace retinaface::evaluation {

// AP sums over all scores. To see where detectors differ in a picture, each is held to the one
// score that suits it best.

/// The score at which precision and recall on the hard subset have their greatest harmonic mean
/// (F1): detections at or above it count. Infinite where nothing is found at all.
double best_score(const WiderGroundTruth& truth, std::span<const PictureMatches> results);

/// What a detector makes of a picture's hard faces.
struct PictureErrors {
  std::int64_t found = 0;
  std::int64_t missed = 0;
  std::int64_t wrong = 0;  ///< false positives

  std::int64_t total() const { return missed + wrong; }
  friend bool operator==(const PictureErrors&, const PictureErrors&) = default;
};

/// Detections below `min_score` are passed over.
PictureErrors errors_in(const WiderPicture& picture, std::span<const Match> matches,
                        double min_score);

/// A picture and what each contestant makes of it.
struct Disagreement {
  std::size_t picture = 0;  ///< index in the ground truth
  std::vector<PictureErrors> errors;

  /// How many errors more the worst makes than the best.
  std::int64_t size() const;
};

/// The pictures in which the contestants' errors differ most, largest first, at most `count`, none
/// where they do not differ. `min_scores` by contestant.
std::vector<Disagreement> find_disagreements(const WiderGroundTruth& truth,
                                             std::span<const Contestant> contestants,
                                             std::span<const double> min_scores, std::size_t count);

}  // namespace retinaface::evaluation
