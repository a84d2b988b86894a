#pragma once

#include <vector>

#include "retinaface/detector.h"

#include "models/catalogue.h"
#include "models/search_policy.h"
#include "runtime/runtime.h"

namespace retinaface::detection {

// Faces of about 12 px are smaller than the smallest anchors: at the image's own size a network
// sees them, but hardly believes it. Where it gives one a low score, a candidate, the
// network runs once more on an enlarged crop around it, which decides; a whole pass at that size
// would cost nine times the first.

/// A square of the image, crop_side_px wide (models::SearchPolicy), on which the network runs
/// again, enlarged crop_scale times.
struct RefinementCrop {
  int x = 0;  ///< left edge in the image, px
  int y = 0;
};

/// Where the network's smallest anchors see something, in pixels of the image.
struct RefinementCandidate {
  float score = 0;
  Point center;
};

/// Appends the candidates that the smallest anchors of the finest level, whose logits `cls` holds
/// for the head of scores `head`, see in an image: each scores no less than its neighbours.
void find_candidates(const models::SearchPolicy& policy, const runtime::FeatureMap& cls,
                     const models::Head& head, const models::AnchorLevel& level,
                     std::vector<RefinementCandidate>& candidates);

/// Whether there is a candidate of at least `min_score` that no sure face covers.
bool has_unknown(const models::SearchPolicy& policy,
                 const std::vector<RefinementCandidate>& candidates, const std::vector<Face>& faces,
                 float min_score);

/// The places of candidates that no sure face covers, the likeliest first, until the network would
/// have run over `budget_px` pixels for them. None where the image is smaller than a crop.
std::vector<RefinementCrop> refinement_crops(const models::SearchPolicy& policy,
                                             std::vector<RefinementCandidate> candidates,
                                             const std::vector<Face>& faces, int width, int height,
                                             double budget_px);

/// The score of the candidate that a face found in a crop confirms, or min_candidate_score.
float candidate_score_of(const models::SearchPolicy& policy, const Face& face,
                         const std::vector<RefinementCandidate>& candidates);

/// The score of a face from its scores in the crop and, as a candidate, at the image's own size:
/// the mean of their log odds, the crop's counted crop_weight times. The crop alone would believe
/// too much that resembles a face only when it is enlarged.
float combined_score(const models::SearchPolicy& policy, float in_crop, float candidate_score);

/// Whether a face found in a crop, in pixels of the image, is one that crops are for: small, and
/// not at the crop's edge, where the network sees nothing around it.
bool is_seen_by(const models::SearchPolicy& policy, const RefinementCrop& crop, const Face& face);

}  // namespace retinaface::detection
