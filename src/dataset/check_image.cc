#include "dataset/check_image.h"

#include <algorithm>
#include <limits>
#include <utility>

#include <fmt/format.h>

#include "retinaface/error.h"

#include "base/file.h"
#include "dataset/annotated_image.h"
#include "image/draw.h"

namespace retinaface::dataset {

CheckedImage check_image(const std::filesystem::path& images, const AnnotatedImage& annotated) {
  CheckedImage checked;
  try {
    checked.image = read_annotated_image(images / annotated.path);
  } catch (const Error& error) {
    const bool missing = error.code() == ErrorCode::kNotFound;
    checked.defects.push_back(
        {missing ? Defect::kImageMissing : Defect::kImageUnreadable, error.what()});
  }
  const Image& image = checked.image;
  const int width = image.empty() ? annotated.width : image.width();
  const int height = image.empty() ? annotated.height : image.height();
  const bool differs = (annotated.width > 0 && annotated.width != width) ||
                       (annotated.height > 0 && annotated.height != height);
  if (differs) {
    checked.defects.push_back(
        {Defect::kSizeDiffers,
         fmt::format("{}: {} x {} pixels, its annotations say {} x {}", printable(annotated.path),
                     width, height, annotated.width, annotated.height)});
  }
  for (FoundDefect& defect : check_faces(annotated, width, height)) {
    checked.defects.push_back(std::move(defect));
  }
  return checked;
}

void draw_annotations(const AnnotatedImage& annotated, Image& image) {
  constexpr Color kIgnoredColor = {170, 170, 170};
  constexpr float kNowhere = std::numeric_limits<float>::quiet_NaN();
  std::vector<FaceMark> marks;
  for (const AnnotatedFace& face : annotated.faces) {
    if (face.ignored) {
      draw_box(image, face.box, kIgnoredColor);
      continue;
    }
    FaceMark& mark = marks.emplace_back(FaceMark{.box = face.box});
    for (std::size_t i = 0; i < face.points.size(); ++i) {
      const bool missing = face.points[i].state == PointState::kMissing;
      mark.landmarks[i] = missing ? Point{kNowhere, kNowhere} : face.points[i].position;
    }
  }
  draw_faces(image, marks, {.scores = false});
}

std::vector<bool> chosen_for_drawing(const AnnotationSet& set, std::size_t count) {
  std::vector<std::size_t> candidates;
  for (std::size_t i = 0; i < set.size(); ++i) {
    if (!set[i].faces.empty()) candidates.push_back(i);
  }
  std::vector<bool> chosen(set.size(), false);
  count = std::min(count, candidates.size());
  for (std::size_t i = 0; i < count; ++i) chosen[candidates[i * candidates.size() / count]] = true;
  return chosen;
}

}  // namespace retinaface::dataset
