#include "pipeline/face_selection.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include "detection/face_frame.h"
#include "detection/face_selection.h"
#include "detection/hidden_faces.h"

namespace retinaface::pipeline {

std::vector<std::size_t> select_faces(const FaceSelection& selection,
                                      const std::vector<Face>& found, int width, int height) {
  std::vector<std::size_t> wanted;
  const auto maximum = static_cast<std::size_t>(selection.max_faces);
  for (std::size_t i = 0; i < found.size() && (maximum == 0 || wanted.size() < maximum); ++i) {
    const bool is_sure = found[i].score >= selection.detect.min_score;
    const bool is_in = !selection.clip || detection::is_in_image(found[i], width, height);
    if (is_sure && is_in && detection::is_large_enough(found[i], selection.min_size_px)) {
      wanted.push_back(i);
    }
  }
  return wanted;
}

namespace {

/// Detector::detect, told in pixels of the whole image.
std::vector<Face> detect_in(const Detector& detector, const SeenImage& image,
                            DetectOptions options) {
  if (image.reduction == 1) return detector.detect(image.pixels, options);
  const auto reduction = static_cast<float>(image.reduction);
  for (float& scale : options.scales) scale *= reduction;
  options.min_size_px /= reduction;
  std::vector<Face> faces = detector.detect(image.pixels, options);
  detection::rescale(faces, reduction, reduction);
  for (Face& face : faces) {
    detection::move(face, static_cast<float>(image.left), static_cast<float>(image.top));
  }
  return faces;
}

/// What faces have to score to carry a track on.
constexpr float kFaint = 0.1F;

/// The lowest score of the faces that are looked for.
float lowest_score(const FaceSelection& selection, bool is_frame) {
  const float wanted = selection.detect.min_score;
  return is_frame ? std::min(wanted, kFaint) : wanted;
}

}  // namespace

SeenImage::SeenImage(const Image& image, const DecodedImage& decoded)
    : pixels(image),
      width(decoded.width),
      height(decoded.height),
      reduction(decoded.reduction),
      left(decoded.left),
      top(decoded.top) {}

int reduction_for(const DetectOptions& options) {
  if (options.scales.empty() || options.mesh || options.turned) return 1;
  const float largest = std::ranges::max(options.scales);
  for (const int reduction : {8, 4, 2}) {
    if (largest * static_cast<float>(reduction) <= 1) return reduction;
  }
  return 1;
}

DetectedFaces detect_faces(const Detector& detector, const FaceSelection& selection,
                           const SeenImage& image, const std::filesystem::path& path,
                           const std::optional<video::FrameStamp>& frame) {
  DetectOptions options = selection.detect;
  options.min_score = lowest_score(selection, frame.has_value());
  const auto start = std::chrono::steady_clock::now();
  DetectedFaces detection;
  detection.found = detect_in(detector, image, options);
  const std::chrono::duration<double, std::milli> took = std::chrono::steady_clock::now() - start;
  detection.wanted = select_faces(selection, detection.found, image.width, image.height);
  detection.result = {path, image.width, image.height, {}, took.count(), frame};
  for (const std::size_t i : detection.wanted) {
    detection.result.faces.push_back(detection.found[i]);
    if (selection.clip) {
      Box& box = detection.result.faces.back().box;
      box = detection::clipped(box, image.width, image.height);
    }
  }
  return detection;
}

std::vector<Face> faces_to_hide(const Detector& detector, const FaceSelection& selection,
                                ImageView image, const DetectedFaces& detection) {
  DetectOptions options = selection.detect;
  options.max_faces = selection.max_faces;
  options.min_size_px = selection.min_size_px;
  std::vector<Face> found = detection.found;
  if (selection.max_faces != 0) {  // of a few faces that are wanted, no others are hidden
    found.clear();
    for (const std::size_t i : detection.wanted) found.push_back(detection.found[i]);
  }
  return detection::faces_to_hide(detector, image, options,
                                  lowest_score(selection, detection.result.frame.has_value()),
                                  std::move(found));
}

}  // namespace retinaface::pipeline
