#include "detection/hidden_faces.h"

#include <algorithm>
#include <cstddef>
#include <utility>

#include "retinaface/blur.h"

#include "detection/face_selection.h"
#include "geometry/box.h"

namespace retinaface {

std::vector<Face> detection::faces_to_hide(const Detector& detector, const ImageView& image,
                                           const DetectOptions& options, float lowest_score,
                                           std::vector<Face> found) {
  std::vector<Face> hidden = std::move(found);
  std::erase_if(hidden,
                [&](const Face& face) { return !is_large_enough(face, options.min_size_px); });
  if (options.max_faces != 0 || !options.scales.empty()) return hidden;
  DetectOptions closer = options;
  closer.min_score = lowest_score;
  closer.scales = {2};
  closer.clip_to_image = false;
  closer.turned = false;
  closer.mesh = false;
  const auto known = static_cast<std::ptrdiff_t>(hidden.size());
  for (const Face& face : detector.detect(image, closer)) {
    const bool is_known =
        std::any_of(hidden.begin(), hidden.begin() + known, [&](const Face& other) {
          return other.score >= options.min_score && contains(other.box, face.box.center());
        });
    if (!is_known) hidden.push_back(face);
  }
  return hidden;
}

std::vector<Face> blur_found_faces(Image& image, const Detector& detector,
                                   const DetectOptions& options) {
  DetectOptions whole = options;  // a part of a box would be less than its face
  whole.clip_to_image = false;
  whole.mesh = false;
  std::vector<Face> hidden = detection::faces_to_hide(detector, image, whole, whole.min_score,
                                                      detector.detect(image, whole));
  blur_faces(image, hidden);
  return hidden;
}

}  // namespace retinaface
