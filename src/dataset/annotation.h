#pragma once

#include <array>
#include <cmath>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "retinaface/geometry.h"

namespace retinaface::dataset {

enum class PointState {
  kVisible,
  kHidden,   ///< its place is known although something covers it
  kMissing,  ///< not annotated; the position means nothing
};

struct AnnotatedPoint {
  Point position;
  PointState state = PointState::kMissing;

  friend bool operator==(const AnnotatedPoint&, const AnnotatedPoint&) = default;
};

/// WIDER FACE's attributes, as its readme numbers them.
struct FaceAttributes {
  float blur = 0;        ///< 0 clear, 1 normal, 2 heavy; the 20-column label.txt has fractions
  int expression = 0;    ///< 0 typical, 1 exaggerated
  int illumination = 0;  ///< 0 normal, 1 extreme
  int occlusion = 0;     ///< 0 none, 1 partial, 2 heavy
  int pose = 0;          ///< 0 typical, 1 atypical

  friend bool operator==(const FaceAttributes&, const FaceAttributes&) = default;
};

/// RetinaFace's levels of annotation quality: 1 and 2 have 68 points, indisputable or annotatable,
/// 3 and 4 five, 5 is known to be a face by its surroundings only.
inline constexpr int kQualityLevels = 5;

/// No image is larger: a coordinate beyond this, or a NaN, is a damaged file, not an annotation.
inline constexpr float kMaxCoordinate_px = 1e6F;

inline bool is_plausible(const Point& point) {
  return std::abs(point.x) <= kMaxCoordinate_px && std::abs(point.y) <= kMaxCoordinate_px;
}
/// Also of a box that is inverted or has no area, which may well stand in an annotation.
inline bool is_plausible(const Box& box) {
  return is_plausible(Point{box.x0, box.y0}) && is_plausible(Point{box.x1, box.y1});
}

/// One face as somebody marked it, in pixels of its image.
struct AnnotatedFace {
  Box box;
  /// Left eye, right eye, nose, left and right mouth corner, as seen in the image.
  std::array<AnnotatedPoint, 5> points = {};
  /// How sure the points, or the whole face, are, 0 to 1, where a model made them.
  float points_score = 1;
  FaceAttributes attributes = {};
  /// 1 (best) to kQualityLevels, where given.
  std::optional<int> quality = {};
  /// Neither a face to find nor background: WIDER's "invalid", COCO's "iscrowd", VOC's "difficult".
  bool ignored = false;
  /// The box was derived from the points: good enough to say where the face is, not to learn
  /// boxes from.
  bool box_is_estimate = false;
  /// What the face has for heads of HeadMeaning::kValues to learn (models/heads.h), by their names.
  std::map<std::string, std::vector<float>, std::less<>> values = {};

  friend bool operator==(const AnnotatedFace&, const AnnotatedFace&) = default;
};

/// True when all five points are annotated.
inline bool has_landmarks(const AnnotatedFace& face) {
  for (const AnnotatedPoint& point : face.points) {
    if (point.state == PointState::kMissing) return false;
  }
  return true;
}

/// The five positions of a face that has_landmarks.
inline Landmarks landmarks_of(const AnnotatedFace& face) {
  Landmarks landmarks;
  for (std::size_t i = 0; i < landmarks.size(); ++i) landmarks[i] = face.points[i].position;
  return landmarks;
}

struct AnnotatedImage {
  std::string path;  ///< relative to the set's folder of images, with '/'
  std::vector<AnnotatedFace> faces;
  /// The image's size in pixels where the annotations say it, as COCO's and VOC's do; else 0.
  int width = 0;
  int height = 0;

  friend bool operator==(const AnnotatedImage&, const AnnotatedImage&) = default;
};

using AnnotationSet = std::vector<AnnotatedImage>;

}  // namespace retinaface::dataset
