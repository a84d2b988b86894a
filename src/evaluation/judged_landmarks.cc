#include "evaluation/judged_landmarks.h"

#include "evaluation/chosen_face.h"
#include "mesh/topology.h"

namespace retinaface::evaluation {

std::vector<Face> with_points_of_meshes(std::vector<Face> faces) {
  for (Face& face : faces) {
    if (face.mesh) face.landmarks = mesh::five_of(landmarks_68(*face.mesh));
  }
  return faces;
}

std::vector<LandmarkOutcome> judge_landmarks(std::span<const dataset::AnnotatedFace> annotated,
                                             std::span<const Face> found) {
  constexpr float kMinIou = 0.5F;
  const auto assigned = assign_faces(annotated, found, kMinIou);
  std::vector<LandmarkOutcome> outcomes;
  for (std::size_t i = 0; i < annotated.size(); ++i) {
    const dataset::AnnotatedFace& truth = annotated[i];
    if (truth.ignored || !dataset::has_landmarks(truth)) continue;
    LandmarkOutcome& outcome = outcomes.emplace_back();
    outcome.group = height_group(truth.box.height());
    if (assigned[i]) {
      outcome.error =
          landmark_error(found[*assigned[i]].landmarks, dataset::landmarks_of(truth), truth.box);
    }
  }
  return outcomes;
}

LandmarkOutcome judge_posed_landmarks(const dataset::PosedFace& truth, const Image& image,
                                      const FindFaces& find) {
  constexpr int kBorder_px = 75;
  const Image wide = with_border(image, kBorder_px);
  const std::vector<Face> faces = find(wide);
  const Point center{static_cast<float>(wide.width()) / 2, static_cast<float>(wide.height()) / 2};
  LandmarkOutcome outcome{.group = static_cast<std::size_t>(truth.pose) - 1};
  if (const Face* const face = best_face_around(faces, center)) {
    Landmarks expected = truth.landmarks;
    for (Point& point : expected) point = {point.x + kBorder_px, point.y + kBorder_px};
    outcome.error = landmark_error(face->landmarks, expected, face->box);
  }
  return outcome;
}

}  // namespace retinaface::evaluation
