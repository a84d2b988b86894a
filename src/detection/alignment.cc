#include "retinaface/alignment.h"

#include <algorithm>
#include <cmath>

#include "base/check.h"
#include "geometry/similarity.h"
#include "image/convert.h"
#include "image/warp.h"

namespace retinaface {

Image align_face(const ImageView& image, const Landmarks& landmarks) {
  check_view(image, "image");
  const bool numbers = std::ranges::all_of(
      landmarks, [](const Point& p) { return std::isfinite(p.x) && std::isfinite(p.y); });
  const bool apart =
      std::ranges::any_of(landmarks, [&](const Point& p) { return p != landmarks[0]; });
  if (!numbers || !apart) {
    fail(ErrorCode::kInvalidArgument, "landmarks: expected five points of a face");
  }
  // The points' fit to the template, turned round.
  const Similarity fit = fit_similarity(landmarks, kAlignedLandmarks);
  const float square = fit.a * fit.a + fit.b * fit.b;
  if (!(square > 0)) {
    fail(ErrorCode::kInvalidArgument, "landmarks: expected five points of a face");
  }
  Similarity inverse = {fit.a / square, -fit.b / square, {}};
  const Point origin = inverse(fit.shift);
  inverse.shift = {-origin.x, -origin.y};
  return warp(image, inverse, kAlignedSide, kAlignedSide);
}

}  // namespace retinaface
