#pragma once

#include <functional>
#include <optional>
#include <vector>

#include "retinaface/detector.h"

#include "detection/refinement.h"
#include "detection/turned_heads.h"
#include "models/catalogue.h"

namespace retinaface::detection {

/// Adds the faces of an image at its own size whose score is at least `min_score`, overlapping as
/// they are; and, where `candidates` is not null, the places where refinement may find faces.
using AddFaces =
    std::function<void(const ImageView& image, float min_score, std::vector<Face>& faces,
                       std::vector<RefinementCandidate>* candidates)>;

/// How faces of all sizes are looked for by a network that knows those of its anchors alone: image
/// pyramid, tiles, enlarged crops, checks of large faces, turned views, as the model's search
/// policy has them. For one call; it refers to what it is given.
class Search {
 public:
  /// `model`: a detector by anchors, or a cascade, whose finder looks for all sizes, and bounds its
  /// memory, by itself.
  Search(const models::Model& model, AddFaces find);

  /// By falling score, without overlaps. Of the options those that say what is looked for count:
  /// scales, tiles, min_score, nms_iou. Throws Error(kTooLarge) for a scale that makes too large an
  /// image.
  std::vector<Face> find(const ImageView& image, const DetectOptions& options) const;

  /// The head of a face that is turned far, as it is seen upright.
  std::optional<UprightHead> upright_head(const ImageView& image, const Face& face) const;

 private:
  std::vector<Face> find_all_sizes(const ImageView& image, const DetectOptions& options) const;
  /// `candidates` is for the image's own size alone.
  std::vector<Face> find_at(const ImageView& image, float scale, const DetectOptions& options,
                            std::vector<RefinementCandidate>* candidates = nullptr) const;
  /// In one piece, if the image is not larger than a tile.
  std::vector<Face> find_in_tiles(const ImageView& image, const DetectOptions& options,
                                  std::vector<RefinementCandidate>* candidates = nullptr) const;
  /// Adds the small faces that the enlarged crops around candidates confirm.
  void refine(const ImageView& image, double budget_px,
              const std::vector<RefinementCandidate>& candidates, float min_score,
              std::vector<Face>& faces) const;
  /// Removes large faces that are none when they are seen again.
  void drop_unconfirmed(const ImageView& image, std::vector<Face>& faces) const;

  bool finds_all_sizes() const { return detector_ == nullptr; }
  const models::SearchPolicy& policy() const { return detector_->search; }

  const models::DetectorSpec* detector_;  // null: a cascade
  const models::TurnedHeadPolicy& turned_;
  AddFaces find_;
};

}  // namespace retinaface::detection
