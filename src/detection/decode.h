#pragma once

#include <span>
#include <vector>

#include "retinaface/detector.h"

#include "models/catalogue.h"
#include "runtime/runtime.h"

namespace retinaface::detection {

/// The maps of one level of a network's outputs, by head.
using HeadMaps = std::vector<runtime::FeatureMap>;

/// The difference of logits, face minus not, of one anchor of a head of scores.
class ScoreMargins {
 public:
  /// `map` is the head's, of `anchors` anchors a cell, and must outlive the margins' use.
  ScoreMargins(const runtime::FeatureMap& map, const models::Head& head, std::size_t anchor);

  float at(std::int64_t cell) const {
    const std::int64_t place = cell * block_;
    return no_face_ == nullptr ? face_[place] : face_[place] - no_face_[place];
  }

 private:
  std::int64_t block_;
  const float* face_;
  const float* no_face_ = nullptr;  ///< null where there is one logit
};

/// Where the values of an anchor that decode appends for the mesh branch come from.
struct MeshFeatures {
  std::vector<runtime::FeatureMap> context;  ///< by level: what the heads are computed of
};

/// Appends a face, in pixels of the network's input, for each anchor whose score is at least
/// `min_score`; each head gives it what its meaning says. `levels` are in the order of
/// `family.levels`, their maps in that of `heads`. With `mesh`, Face::values end with the channels
/// of the context map at the anchor's cell and the number of the anchor's kind, counted by level,
/// then by size: what mesh::MeshHead reads (take_mesh_features).
void decode(std::span<const HeadMaps> levels, const models::AnchorFamily& family,
            std::span<const models::Head> heads, float min_score, std::vector<Face>& faces,
            const MeshFeatures* mesh = nullptr);

/// What decode has appended to a face's values for the mesh branch, which it takes off.
struct AnchorFeatures {
  std::size_t kind = 0;
  std::vector<float> features;
};
AnchorFeatures take_mesh_features(Face& face, std::size_t features);

}  // namespace retinaface::detection
