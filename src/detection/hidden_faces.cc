#include "detection/hidden_faces.h"

#include <algorithm>
#include <cstddef>
#include <utility>

#include "retinaface/blur.h"

#include "detection/face_selection.h"
#include "geometry/box.h"
#include "image/convert.h"
#include "image/obscure.h"

namespace retinaface {

namespace {

/// The detector as it looks for what is to be hidden.
struct Search {
  const Detector& detector;
  DetectOptions options;  ///< without what only a caller's results need
  bool looks_closer;      ///< also at twice the size

  std::vector<Face> closer(const ImageView& image, float min_score) const {
    DetectOptions twice = options;
    twice.min_score = min_score;
    twice.scales = {2};
    return detector.detect(image, twice);
  }

  /// What both passes find.
  std::vector<Face> all(const ImageView& image, float min_score) const {
    DetectOptions plain = options;
    plain.min_score = min_score;
    std::vector<Face> faces = detector.detect(image, plain);
    if (looks_closer) {
      const std::vector<Face> more = closer(image, min_score);
      faces.insert(faces.end(), more.begin(), more.end());
    }
    return faces;
  }
};

/// Appends the faces of the pass at twice the size around whose center no face of at least
/// options.min_score is known.
void add_closer(const Search& search, const ImageView& image, float lowest_score,
                std::vector<Face>& hidden) {
  const auto known = static_cast<std::ptrdiff_t>(hidden.size());
  for (const Face& face : search.closer(image, lowest_score)) {
    const bool is_known =
        std::any_of(hidden.begin(), hidden.begin() + known, [&](const Face& other) {
          return other.score >= search.options.min_score && contains(other.box, face.box.center());
        });
    if (!is_known) hidden.push_back(face);
  }
}

/// Appends what is found in the image where the faces are hidden: as a larger box the faces that
/// are found again, with the scores that they had, and others of at least options.min_score where
/// it `hides_all`.
void add_found_again(const Search& search, const ImageView& image, bool hides_all,
                     std::vector<Face>& hidden) {
  constexpr int kMaxPasses = 4;
  constexpr float kGrow = 1.2F;  // of the boxes' sides, from pass to pass
  // Of min_score: what is hidden must not be found by what lossy formats make of it either
  // (reports/blur.md).
  constexpr float kMargin = 0.35F;
  const float min_score = search.options.min_score;
  Image result = to_rgb(image);
  std::size_t done = 0;
  float factor = 1;
  for (int pass = 0; pass < kMaxPasses && done < hidden.size(); ++pass) {
    blur_faces(result, {hidden.data() + done, hidden.size() - done});
    done = hidden.size();
    factor *= kGrow;
    for (Face face : search.all(result, kMargin * min_score)) {
      bool is_again = false;
      float score = face.score;
      for (std::size_t i = 0; i < done; ++i) {
        if (!contains(obscured_box(hidden[i].box), face.box.center())) continue;
        is_again = true;
        score = std::max(score, hidden[i].score);
      }
      if (!is_again && !(hides_all && face.score >= min_score)) continue;
      if (is_again) face.box = grown(face.box, (factor - 1) / 2);
      face.score = score;
      hidden.push_back(face);
    }
  }
}

}  // namespace

std::vector<Face> detection::faces_to_hide(const Detector& detector, const ImageView& image,
                                           const DetectOptions& options, float lowest_score,
                                           std::vector<Face> found) {
  std::vector<Face> hidden = std::move(found);
  std::erase_if(hidden,
                [&](const Face& face) { return !is_large_enough(face, options.min_size_px); });
  const bool hides_all = options.max_faces == 0;
  Search search{detector, options, hides_all && options.scales.empty()};
  search.options.max_faces = 0;
  search.options.clip_to_image = false;
  search.options.turned = false;
  search.options.mesh = false;
  if (search.looks_closer) add_closer(search, image, lowest_score, hidden);
  add_found_again(search, image, hides_all, hidden);
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
