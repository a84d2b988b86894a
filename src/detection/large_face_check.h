#pragma once

#include <vector>

#include "retinaface/face.h"
#include "retinaface/image.h"

namespace retinaface::detection {

// Near the size of its largest anchors the network takes patterns for faces: waves, soft noise,
// parts of a head. What is a face is one at a smaller size too, where the network sees all of it
// and what is around it. Chosen on 93 faces of held-out training images, enlarged to 400 px and
// more, and 63 false ones in made patterns: seen again, all of the false ones score below 0.05, all
// of the faces over 0.2. Those of whom the network is not quite sure at first have to score 0.3,
// which costs none of the 35 such faces, of 333 large ones, in training images
// (reports/accuracy.md, In patterns).

/// A large face and its surroundings, small, for the network to see once more.
class LargeFaceCheck {
 public:
  /// Side of the view, px, which is twice that of the face.
  static constexpr int kSide = 192;
  /// What scores less is no face.
  static constexpr float kMinScore = 0.05F;
  /// The same for a face that scored less than kSureScore at first.
  static constexpr float kMinScoreOfUnsure = 0.3F;
  static constexpr float kSureScore = 0.992F;

  /// Whether a face is one to look at again: sure enough to be taken for one, and of 256 px or
  /// more.
  static bool is_due(const Face& face);

  LargeFaceCheck(const ImageView& image, const Face& seen);

  /// kSide wide and high; black outside the image.
  const Image& view() const { return view_; }

  /// Whether one of the faces found in the view, with scores from kMinScore on, is this one and
  /// sure enough.
  bool confirms(const std::vector<Face>& found) const;

 private:
  Image view_;
  Box face_in_view_;
  float min_score_;
};

}  // namespace retinaface::detection
