#include "dataset/point_label.h"

#include <cmath>

#include "dataset/text_lines.h"

namespace retinaface::dataset {

Box box_around_points(const Landmarks& points) {
  // Least squares over 2,725 clear, unoccluded faces of 40 px and more in WIDER FACE's training
  // set; the boxes overlap the annotators' by 0.80 on average. A profile's nose points away from
  // the middle of its box.
  constexpr float kByNose = -1.41F;
  constexpr float kUp = -0.13F;
  constexpr float kWidth = 3.54F;
  constexpr float kHeight = 4.68F;
  Point mean;
  for (const Point& point : points) {
    mean.x += point.x / 5;
    mean.y += point.y / 5;
  }
  float square = 0;
  for (const Point& point : points) {
    square += (point.x - mean.x) * (point.x - mean.x) + (point.y - mean.y) * (point.y - mean.y);
  }
  const float spread = std::sqrt(square / 5);
  const auto center = [&](float Point::*axis) {
    const float down = (points[3].*axis + points[4].*axis - points[0].*axis - points[1].*axis) / 2;
    return mean.*axis + kByNose * (points[2].*axis - mean.*axis) + kUp * down;
  };
  const float x = center(&Point::x);
  const float y = center(&Point::y);
  return {x - kWidth / 2 * spread, y - kHeight / 2 * spread, x + kWidth / 2 * spread,
          y + kHeight / 2 * spread};
}

AnnotationSet annotations_of(const std::vector<PosedFace>& faces) {
  AnnotationSet set;
  for (const PosedFace& posed : faces) {
    AnnotatedFace face{.box = box_around_points(posed.landmarks), .box_is_estimate = true};
    for (std::size_t i = 0; i < face.points.size(); ++i) {
      face.points[i] = {posed.landmarks[i], PointState::kVisible};
    }
    const bool profile =
        posed.pose == PoseClass::kLeftProfile || posed.pose == PoseClass::kRightProfile;
    face.attributes.pose = profile ? 1 : 0;
    set.push_back({posed.path, {face}});
  }
  return set;
}

}  // namespace retinaface::dataset
