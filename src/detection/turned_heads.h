#pragma once

#include <array>
#include <optional>
#include <vector>

#include "retinaface/face.h"
#include "retinaface/image.h"

#include "geometry/similarity.h"
#include "models/search_policy.h"

namespace retinaface::detection {

// A network that knows heads as they mostly stand still finds one that lies or stands on its head,
// but puts the points where they would be if it stood upright. The view that shows it upright gets
// the highest score, which is 0.9 and more up to 30 degrees to either side for nine heads of ten.
// Between two quarters both views that are nearest may score less than one of a head upside down:
// then the views of the eighths decide (reports/accuracy.md, Turned heads).

// What is left of a roll is then levelled: seen once more, turned back by the roll that the points
// of the view before tell, as far as it goes.

/// A head that does not stand upright in the image, in a view in which it does.
struct UprightHead {
  Face face;   ///< in pixels of the view
  Image view;  ///< TurnedHeadPolicy::view_px wide and high
  Similarity image_from_view;

  Landmarks landmarks() const;  ///< in pixels of the image
  /// Whether the view is not the image as it is.
  bool is_turned() const;
};

/// A view of a head's surroundings in which it stands more upright than in another, by the roll of
/// the line between its eyes there.
class LevelledView {
 public:
  LevelledView(const models::TurnedHeadPolicy& policy, const ImageView& image,
               const UprightHead& head);

  const Image& view() const { return view_; }

  /// The head, from the faces found in the view; nothing where it is not there, hardly seen, or
  /// stands no better.
  std::optional<UprightHead> head(const std::vector<Face>& found) const;

 private:
  models::TurnedHeadPolicy policy_;
  float roll_before_;
  float score_before_;
  Similarity image_from_view_;
  Image view_;
};

/// How far the line from the left eye to the right one falls, radians.
float roll_of(const Landmarks& landmarks);

/// A mesh of the view, in pixels of the image.
FaceMesh mesh_in_image(FaceMesh mesh, const Similarity& image_from_view);

/// The surroundings of a face, view_by_face its box's longer side, in four views side by side, each
/// turned clockwise by a quarter more than the one before.
class TurnedViews {
 public:
  enum class Turns {
    kQuarters,  ///< the first view shows the surroundings as they are
    kBetween    ///< the first view is turned by an eighth
  };

  TurnedViews(const models::TurnedHeadPolicy& policy, const ImageView& image, const Box& face,
              Turns turns);

  /// 4 view_px wide, view_px high.
  const Image& strip() const { return strip_; }

  /// The head as the views show it, one for each that does, by rising turn; from the faces found in
  /// the strip. The left eye is on the left of a head that is upright in its view.
  std::vector<UprightHead> heads(const std::vector<Face>& found) const;

 private:
  Image strip_;
  std::array<Similarity, 4> image_from_view_;
};

/// Whether a head in views of quarters, as TurnedViews::heads has it, may stand between two of
/// them: it is rolled in the best view, hardly better there than in another, or in none.
bool may_stand_between(const models::TurnedHeadPolicy& policy,
                       const std::vector<UprightHead>& heads);

/// The one of the highest score: that without a turn where it is not clearly beaten. Nothing of
/// none.
std::optional<UprightHead> most_upright(const models::TurnedHeadPolicy& policy,
                                        std::vector<UprightHead> heads);

}  // namespace retinaface::detection
