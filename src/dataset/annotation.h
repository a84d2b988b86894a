#pragma once

#include <array>
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

/// One face as somebody marked it, in pixels of its picture.
struct AnnotatedFace {
  Box box;
  /// Left eye, right eye, nose, left and right mouth corner, as seen in the picture.
  std::array<AnnotatedPoint, 5> points = {};
  float points_score = 1;  ///< how sure the points are, 0 to 1, where a model made them
  FaceAttributes attributes = {};
  /// RetinaFace's five levels of annotation quality, 1 (best) to 5, where given.
  std::optional<int> quality = {};
  /// Neither a face to find nor background: WIDER's "invalid", COCO's "iscrowd", VOC's "difficult".
  bool ignored = false;
  /// The box was derived from the points: good enough to say where the face is, not to learn
  /// boxes from.
  bool box_is_estimate = false;

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

  friend bool operator==(const AnnotatedImage&, const AnnotatedImage&) = default;
};

using AnnotationSet = std::vector<AnnotatedImage>;

}  // namespace retinaface::dataset
