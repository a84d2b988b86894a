#pragma once

#include <vector>

#include "retinaface/face.h"
#include "retinaface/image.h"

#include "models/search_policy.h"

namespace retinaface::detection {

// Near the size of its largest anchors the network takes patterns for faces: waves, soft noise,
// parts of a head. What is a face is one at a smaller size too, where the network sees all of it
// and what is around it.

/// A large face and its surroundings, small, for the network to see once more.
class LargeFaceCheck {
 public:
  /// Whether a face is one to look at again: sure enough to be taken for one, and large.
  static bool is_due(const models::LargeFacePolicy& policy, const Face& face);

  LargeFaceCheck(const models::LargeFacePolicy& policy, const ImageView& image, const Face& seen);

  /// view_px wide and high; black outside the image.
  const Image& view() const { return view_; }

  /// Whether one of the faces found in the view, with scores from the policy's min_score on, is
  /// this one and sure enough.
  bool confirms(const std::vector<Face>& found) const;

 private:
  Image view_;
  Box face_in_view_;
  float min_score_;
  float min_iou_;
};

}  // namespace retinaface::detection
