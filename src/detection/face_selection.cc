#include "detection/face_selection.h"

namespace retinaface::detection {

std::vector<std::size_t> select_faces(const std::vector<Face>& found, const DetectOptions& options,
                                      int width, int height) {
  std::vector<std::size_t> wanted;
  const auto max_faces = static_cast<std::size_t>(options.max_faces);
  for (std::size_t i = 0; i < found.size() && (max_faces == 0 || wanted.size() < max_faces); ++i) {
    const Face& face = found[i];
    const bool is_in = !options.clip_to_image || is_in_image(face, width, height);
    if (face.score >= options.min_score && is_in && is_large_enough(face, options.min_size_px)) {
      wanted.push_back(i);
    }
  }
  return wanted;
}

}  // namespace retinaface::detection
