#include "pipeline/detect_faces.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include "detection/detector_factory.h"
#include "detection/face_frame.h"
#include "detection/face_selection.h"
#include "detection/hidden_faces.h"

namespace retinaface::pipeline {
namespace {

/// What faces have to score to carry a track on.
constexpr float kFaint = 0.1F;

/// The lowest score of the faces that are looked for.
float lowest_score(const DetectOptions& options, bool is_frame) {
  return is_frame ? std::min(options.min_score, kFaint) : options.min_score;
}

/// The options by which the pixels are searched for the faces of which those that `options` ask for
/// are selected.
DetectOptions search_options(const DetectOptions& options, const SeenImage& image, bool is_frame) {
  DetectOptions search = options;
  search.min_score = lowest_score(options, is_frame);
  for (float& scale : search.scales) scale *= static_cast<float>(image.reduction);
  // Tracks follow all that is found; of a smaller image sizes and edges are others.
  if (is_frame || image.reduction > 1) {
    search.max_faces = 0;
    search.min_size_px = 0;
  }
  // Where it takes nobody's place a face beside the image is kept, for blur, which covers more than
  // its box.
  search.clip_to_image = options.clip_to_image && search.max_faces > 0;
  return search;
}

/// What is found, told in pixels of the whole image.
std::vector<Face> find(const Detector& detector, const SeenImage& image,
                       const DetectOptions& search) {
  std::vector<Face> faces = detection::DetectorFactory::whole_faces(detector, image.pixels, search);
  if (image.reduction == 1) return faces;
  const auto reduction = static_cast<float>(image.reduction);
  detection::rescale(faces, reduction, reduction);
  for (Face& face : faces) {
    detection::move(face, static_cast<float>(image.left), static_cast<float>(image.top));
  }
  return faces;
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

DetectedFaces detect_faces(const Detector& detector, const DetectOptions& options,
                           const SeenImage& image, const std::filesystem::path& path,
                           const std::optional<video::FrameStamp>& frame) {
  const DetectOptions search = search_options(options, image, frame.has_value());
  const auto start = std::chrono::steady_clock::now();
  DetectedFaces detection;
  detection.found = find(detector, image, search);
  const std::chrono::duration<double, std::milli> took = std::chrono::steady_clock::now() - start;
  detection.wanted = detection::select_faces(detection.found, options, image.width, image.height);
  detection.result = {path, image.width, image.height, {}, took.count(), frame};
  for (const std::size_t i : detection.wanted) {
    detection.result.faces.push_back(detection.found[i]);
    if (options.clip_to_image) {
      Box& box = detection.result.faces.back().box;
      box = detection::clipped(box, image.width, image.height);
    }
  }
  return detection;
}

std::vector<Face> faces_to_hide(const Detector& detector, const DetectOptions& options,
                                ImageView image, const DetectedFaces& detection) {
  std::vector<Face> found = detection.found;
  if (options.max_faces != 0) {  // of a few faces that are wanted, no others are hidden
    found.clear();
    for (const std::size_t i : detection.wanted) found.push_back(detection.found[i]);
  }
  return detection::faces_to_hide(detector, image, options,
                                  lowest_score(options, detection.result.frame.has_value()),
                                  std::move(found));
}

}  // namespace retinaface::pipeline
