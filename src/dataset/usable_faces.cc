#include "dataset/usable_faces.h"

#include <algorithm>

#include "retinaface/error.h"

#include "dataset/check_annotations.h"
#include "geometry/box.h"
#include "image/codecs/stored_size.h"

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

bool is_outside(const Box& box, int width, int height) {
  return box.x1 <= 0 || box.y1 <= 0 || box.x0 >= static_cast<float>(width) ||
         box.y0 >= static_cast<float>(height);
}

bool any_face_inside(const TrainingSet& set) {
  bool any_read = false;
  for (const AnnotatedImage& image : set.annotations) {
    const auto usable = [](const AnnotatedFace& face) {
      return !face.ignored && area(face.box) > 0;
    };
    if (std::ranges::none_of(image.faces, usable)) continue;
    StoredSize size{image.width, image.height};
    try {
      if (size.width == 0 || size.height == 0) size = stored_size(set.images / image.path);
    } catch (const Error&) {
      continue;  // which the loader tells
    }
    any_read = true;
    if (std::ranges::any_of(image.faces, [&](const AnnotatedFace& face) {
          return usable(face) && !is_outside(face.box, size.width, size.height);
        })) {
      return true;
    }
  }
  return !any_read;
}

}  // namespace retinaface::dataset
