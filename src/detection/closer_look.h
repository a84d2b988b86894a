#pragma once

#include <vector>

#include "retinaface/detector.h"

#include "models/catalogue.h"
#include "runtime/runtime.h"

namespace retinaface::detection {

// Faces of about 12 px are smaller than the smallest anchors: at the picture's own size a network
// sees them, but hardly believes it. Where it suspects one, a second look at the place, enlarged,
// decides; a whole pass at that size would cost nine times the first.

/// What is looked at again: a square of the picture, kLookSide_px wide, enlarged kLookScale times.
struct Look {
  int x = 0;  ///< left edge in the picture, px
  int y = 0;
};

inline constexpr int kLookSide_px = 32;
inline constexpr int kLookScale = 3;

/// Where the network's smallest anchors see something, in pixels of the picture.
struct Suspect {
  float score = 0;
  Point center;
};

/// A lower score at the picture's own size is no suspicion.
inline constexpr float kLeastSuspicion = 0.002F;

/// Appends the suspects that the smallest anchors of the finest level, whose logits `cls` holds
/// (models::Model), see in a picture: each scores no less than its neighbours.
void find_suspects(const runtime::FeatureMap& cls, const models::AnchorLevel& level,
                   std::vector<Suspect>& suspects);

/// The places of suspects that no sure face covers, the likeliest first, until the network would
/// have run over `budget_px` pixels for them. None where the picture is smaller than a look.
std::vector<Look> closer_looks(std::vector<Suspect> suspects, const std::vector<Face>& faces,
                               int width, int height, double budget_px);

/// The score of the suspect that a face seen in a look confirms, or kLeastSuspicion.
float suspicion_of(const Face& face, const std::vector<Suspect>& suspects);

/// The score of a face from its score in a look and its suspicion at the picture's own size: the
/// mean of their log odds, the look's counted twice. The look alone would believe too much that
/// resembles a face only when it is enlarged.
float combined_score(float in_look, float suspicion);

/// Whether a face found in a look, in pixels of the picture, is one that looks are for: small, and
/// not at the look's edge, where the picture ends.
bool is_seen_by(const Look& look, const Face& face);

}  // namespace retinaface::detection
