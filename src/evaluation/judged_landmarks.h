#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <vector>

#include "retinaface/face.h"

#include "dataset/annotation.h"
#include "dataset/mtfl_txt.h"
#include "evaluation/detection_mode.h"
#include "evaluation/landmark_error.h"

namespace retinaface::evaluation {

// What a detector's points are worth against those that a set has.

/// One face that was to be found: its group in the report, and its error where it was found.
struct LandmarkOutcome {
  std::size_t group = 0;
  std::optional<LandmarkError> error = {};
};

/// Puts the five points of faces' meshes in the place of those that were found.
std::vector<Face> with_points_of_meshes(std::vector<Face> faces);

/// One outcome for each annotated face that counts and has all five points, by height
/// (new_report_by_height). A face is found by one that assign_faces gives it, from an IoU of 0.5
/// on.
std::vector<LandmarkOutcome> judge_landmarks(std::span<const dataset::AnnotatedFace> annotated,
                                             std::span<const Face> found);

/// An image that one face fills, by pose (new_report_by_pose). The faces are looked for in the
/// image with a border, so that the whole face is found; of those around its centre the best
/// counts.
LandmarkOutcome judge_posed_landmarks(const dataset::PosedFace& truth, const Image& image,
                                      const FindFaces& find);

}  // namespace retinaface::evaluation
