#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "evaluation/comparison.h"

namespace retinaface::evaluation {

// AP sums over all scores. To see where detectors differ in an image, each is held to the one
// score that suits it best.

/// The score at which precision and recall on the hard subset have their largest harmonic mean
/// (F1): detections at or above it count. Infinite where nothing is found at all.
double best_score(const WiderGroundTruth& truth, std::span<const ImageMatches> results);

/// What a detector makes of an image's hard faces.
struct ImageErrors {
  std::int64_t found = 0;
  std::int64_t missed = 0;
  std::int64_t wrong = 0;  ///< false positives

  std::int64_t total() const { return missed + wrong; }
  friend bool operator==(const ImageErrors&, const ImageErrors&) = default;
};

/// Detections below `min_score` are passed over.
ImageErrors errors_in(const WiderImage& image, std::span<const Match> matches, double min_score);

/// An image and what each detector makes of it.
struct Disagreement {
  std::size_t image = 0;  ///< index in the ground truth
  std::vector<ImageErrors> errors;

  /// How many errors more the worst makes than the best.
  std::int64_t size() const;
};

/// The images in which the detectors' errors differ most, largest first, at most `count`, none
/// where they do not differ. `min_scores` by detector.
std::vector<Disagreement> find_disagreements(const WiderGroundTruth& truth,
                                             std::span<const ComparedDetector> detectors,
                                             std::span<const double> min_scores, std::size_t count);

}  // namespace retinaface::evaluation
