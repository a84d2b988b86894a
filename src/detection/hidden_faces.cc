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

Search search_of(const Detector& detector, const DetectOptions& options) {
  const bool hides_all = options.max_faces == 0;
  Search search{detector, options, hides_all && options.scales.empty()};
  search.options.max_faces = 0;
  search.options.clip_to_image = false;
  search.options.turned = false;
  search.options.mesh = false;
  return search;
}

}  // namespace

std::vector<Face> detection::seen_to_hide(const Detector& detector, const ImageView& image,
                                          const DetectOptions& options, float lowest_score,
                                          std::vector<Face> found) {
  std::vector<Face> hidden = std::move(found);
  std::erase_if(hidden,
                [&](const Face& face) { return !is_large_enough(face, options.min_size_px); });
  const Search search = search_of(detector, options);
  if (search.looks_closer) add_closer(search, image, lowest_score, hidden);
  return hidden;
}

std::vector<Face> detection::hide_faces(const Detector& detector, Image& image,
                                        const DetectOptions& options, float other_score,
                                        std::vector<Face> hidden) {
  constexpr int kMaxPasses = 4;
  constexpr float kGrow = 1.2F;  // of the boxes' sides, from pass to pass
  // Of min_score: what is hidden must not be found by what lossy formats make of it either
  // (reports/blur.md).
  constexpr float kMargin = 0.35F;
  const Search search = search_of(detector, options);
  const bool hides_all = options.max_faces == 0;
  std::size_t done = 0;
  float factor = 1;
  const auto hide_next = [&] {
    blur_faces(image, {hidden.data() + done, hidden.size() - done});
    done = hidden.size();
  };
  for (int pass = 0; pass < kMaxPasses && done < hidden.size(); ++pass) {
    hide_next();
    factor *= kGrow;
    for (Face face : search.all(image, std::min(kMargin * options.min_score, other_score))) {
      bool is_again = false;
      float score = face.score;
      for (std::size_t i = 0; i < done; ++i) {
        if (!contains(obscured_box(hidden[i].box), face.box.center())) continue;
        is_again = true;
        score = std::max(score, hidden[i].score);
      }
      const float lowest = is_again ? kMargin * options.min_score : other_score;
      if (face.score < lowest || !(is_again || hides_all)) continue;
      if (is_again) face.box = grown(face.box, (factor - 1) / 2);
      face.score = score;
      hidden.push_back(face);
    }
  }
  hide_next();
  return hidden;
}

std::vector<Face> detection::faces_to_hide(const Detector& detector, const ImageView& image,
                                           const DetectOptions& options, float lowest_score,
                                           std::vector<Face> found) {
  Image result = to_rgb(image);
  return hide_faces(detector, result, options, options.min_score,
                    seen_to_hide(detector, image, options, lowest_score, std::move(found)));
}

std::vector<Face> blur_found_faces(Image& image, const Detector& detector,
                                   const DetectOptions& options) {
  DetectOptions whole = options;  // a part of a box would be less than its face
  whole.clip_to_image = false;
  whole.mesh = false;
  return detection::hide_faces(detector, image, whole, whole.min_score,
                               detection::seen_to_hide(detector, image, whole, whole.min_score,
                                                       detector.detect(image, whole)));
}

}  // namespace retinaface
