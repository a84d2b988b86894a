#include "dataset/usable_faces.h"

#include <algorithm>

#include "dataset/check_annotations.h"
#include "geometry/box.h"

namespace retinaface::dataset {

UsableFaces keep_usable(TrainingSet& set) {
  UsableFaces usable;
  usable.images = set.annotations.size();
  for (AnnotatedImage& image : set.annotations) {
    for (AnnotatedFace& face : image.faces) {
      if (face.ignored) {
        ++usable.ignored;
        continue;
      }
      if (!(area(face.box) > 0)) {
        ++usable.empty;
        continue;
      }
      ++usable.faces;
      const bool far = std::ranges::any_of(face.points, [&](const AnnotatedPoint& point) {
        return point.state != PointState::kMissing && is_far(point.position, face.box);
      });
      if (!far) continue;
      face.points = {};
      if (usable.far_points++ == 0) usable.example = image.path;
    }
  }
  return usable;
}

}  // namespace retinaface::dataset
