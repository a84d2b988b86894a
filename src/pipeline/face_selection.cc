#include "pipeline/face_selection.h"

#include <algorithm>
#include <chrono>

namespace retinaface::pipeline {

bool is_large_enough(const FaceSelection& selection, const Face& face) {
  return std::min(face.box.width(), face.box.height()) >= selection.min_size_px;
}

std::vector<std::size_t> select_faces(const FaceSelection& selection,
                                      const std::vector<Face>& found) {
  std::vector<std::size_t> wanted;
  const auto maximum = static_cast<std::size_t>(selection.max_faces);
  for (std::size_t i = 0; i < found.size() && (maximum == 0 || wanted.size() < maximum); ++i) {
    const bool is_sure = found[i].score >= selection.detect.min_score;
    if (is_sure && is_large_enough(selection, found[i])) wanted.push_back(i);
  }
  return wanted;
}

DetectedFaces detect_faces(const Detector& detector, const FaceSelection& selection, ImageView image,
                       const std::filesystem::path& path,
                       const std::optional<video::FrameStamp>& frame) {
  constexpr float kFaint = 0.1F;
  DetectOptions options = selection.detect;
  if (frame) options.min_score = std::min(options.min_score, kFaint);
  const auto start = std::chrono::steady_clock::now();
  DetectedFaces detection;
  detection.found = detector.detect(image, options);
  const std::chrono::duration<double, std::milli> took = std::chrono::steady_clock::now() - start;
  detection.wanted = select_faces(selection, detection.found);
  detection.result = {path, image.width, image.height, {}, took.count(), frame};
  for (const std::size_t i : detection.wanted) {
    detection.result.faces.push_back(detection.found[i]);
  }
  return detection;
}

}  // namespace retinaface::pipeline
