#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "retinaface/detector.h"

#include "dataset/annotation.h"

namespace retinaface::evaluation {

/// How far the five points of one face are from where they belong: their mean distance, by two
/// measures of the face's size. 0.1 is 10 %.
struct LandmarkError {
  double by_box = 0;   ///< by sqrt(width * height) of the face's box (RetinaFace, section 4.4)
  double by_eyes = 0;  ///< by the true distance between the eyes, at least one pixel
};

/// `box` is the box to normalise by; one without area counts as one pixel.
LandmarkError landmark_error(const Landmarks& found, const Landmarks& truth, const Box& box);

/// A face whose error by a measure is over this counts as failed.
inline constexpr double kFailure = 0.1;

/// Errors of a number of faces.
struct LandmarkScores {
  std::string name;
  std::size_t faces = 0;                   ///< that were to be found
  std::vector<LandmarkError> errors = {};  ///< of those that were

  /// Mean error of the found ones; 0 when there are none.
  double mean(double LandmarkError::*measure) const;
  /// The share of the found ones whose error is over kFailure; 0 when there are none.
  double failures(double LandmarkError::*measure) const;
};

/// All faces, and the same faces by group.
struct LandmarkReport {
  LandmarkScores all{.name = "all"};
  std::vector<LandmarkScores> groups;

  /// Counts a face in `group`, found or (no error) not.
  void add(std::size_t group, const std::optional<LandmarkError>& error);
};

/// Which found face stands for which annotated one: from the best found face down, each takes the
/// annotated face that it overlaps most, if their IoU is at least `min_iou` and no better one has
/// taken it. By annotated face the index of the found one.
std::vector<std::optional<std::size_t>> assign_faces(
    std::span<const dataset::AnnotatedFace> annotated, std::span<const Face> found, float min_iou);

// Groups of the two kinds of sets.

/// By height of the annotated box in pixels.
LandmarkReport new_report_by_height();
std::size_t height_group(double height_px);

/// By head pose, the group's index its number less 1.
LandmarkReport new_report_by_pose();

/// The image with a border of its mean color, `border_px` wide on each side.
Image with_border(const Image& image, int border_px);

}  // namespace retinaface::evaluation
