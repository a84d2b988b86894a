#pragma once

#include <array>
#include <optional>
#include <vector>

#include "retinaface/face.h"
#include "retinaface/image.h"

#include "geometry/similarity.h"

namespace retinaface::detection {

// A network that knows heads as they mostly stand still finds one that lies or stands on its head,
// but puts the points where they would be if it stood upright. The view that shows it upright gets
// the highest score: on training images cut out and turned by code, of 60 heads in each of the
// other three positions 56 or 57 are put right, of 60 upright ones 2 are turned wrongly.

// Heads between two quarters are then levelled: seen once more, turned back by the roll that the
// points of the first view tell, as far as it goes.

/// A head that does not stand upright in the image, in a view in which it does.
struct UprightHead {
  Face face;   ///< in pixels of the view
  Image view;  ///< TurnedViews::kSide^2
  Similarity image_from_view;

  Landmarks landmarks() const;  ///< in pixels of the image
  /// Whether the view is not the image as it is.
  bool is_turned() const;
};

/// A view of a head's surroundings in which it stands more upright than in another, by the roll of
/// the line between its eyes there.
class LevelledView {
 public:
  /// Rolls below are no reason to look again.
  static constexpr float kMinRoll = 0.26F;  // 15 degrees, in radians

  explicit LevelledView(const ImageView& image, const UprightHead& head);

  const Image& view() const { return view_; }

  /// The head, from the faces found in the view; nothing where it is not there, hardly seen, or
  /// stands no better.
  std::optional<UprightHead> head(const std::vector<Face>& found) const;

 private:
  float roll_before_;
  float score_before_;
  Similarity image_from_view_;
  Image view_;
};

/// How far the line from the left eye to the right one falls, radians.
float roll_of(const Landmarks& landmarks);

/// A mesh of the view, in pixels of the image.
FaceMesh mesh_in_image(FaceMesh mesh, const Similarity& image_from_view);

/// The surroundings of a face, twice its box's longer side, in four views side by side: as they
/// are, and turned clockwise by one, two and three quarters.
class TurnedViews {
 public:
  /// Side of a view, px.
  static constexpr int kSide = 128;
  /// Lower scores are not asked for.
  static constexpr float kMinScore = 0.02F;

  TurnedViews(const ImageView& image, const Box& face);

  /// 4 kSide wide, kSide high.
  const Image& strip() const { return strip_; }

  /// The head in the view that shows it most upright, from the faces found in the strip: the one
  /// without a turn where that is not clearly beaten; nothing where no view shows it. The left eye
  /// is on the left of the upright head.
  std::optional<UprightHead> most_upright(const std::vector<Face>& found) const;

 private:
  Image strip_;
  std::array<Similarity, 4> image_from_view_;
};

}  // namespace retinaface::detection
