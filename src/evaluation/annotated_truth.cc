#include "evaluation/annotated_truth.h"

#include <algorithm>

#include "base/check.h"

namespace retinaface::evaluation {

AnnotatedTruth truth_of(const dataset::TrainingSet& set, const std::string& name) {
  const bool has_faces = std::ranges::any_of(set.annotations, [](const auto& image) {
    return !std::ranges::all_of(image.faces, &dataset::AnnotatedFace::ignored);
  });
  if (!has_faces) {
    fail(ErrorCode::kBadData,
         "{}: expected annotated faces to judge by, found none; `retinaface dataset check` says "
         "what the annotations hold",
         name);
  }
  AnnotatedTruth result;
  result.truth.events = {"all"};
  for (const dataset::AnnotatedImage& image : set.annotations) {
    result.files.by_image.emplace(result.truth.images.size(), set.images / image.path);
    result.truth.images.push_back(to_wider_image(image.path, image.faces));
  }
  return result;
}

WiderImage to_wider_image(const std::string& name, std::span<const dataset::AnnotatedFace> faces) {
  WiderImage image;
  image.name = name;
  std::vector<std::uint8_t> counted;
  for (const dataset::AnnotatedFace& face : faces) {
    image.faces.push_back({static_cast<double>(face.box.x0), static_cast<double>(face.box.y0),
                           static_cast<double>(face.box.width()),
                           static_cast<double>(face.box.height())});
    counted.push_back(face.ignored ? 0 : 1);
  }
  image.counted.fill(counted);
  return image;
}

}  // namespace retinaface::evaluation
