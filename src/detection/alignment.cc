#include "retinaface/alignment.h"

#include "base/check.h"
#include "detection/aligned_size.h"
#include "geometry/check_landmarks.h"
#include "geometry/similarity.h"
#include "image/convert.h"
#include "image/warp.h"

namespace retinaface {

std::optional<Similarity> internal::image_from_template(const Landmarks& landmarks,
                                                        const Landmarks& target) {
  if (!are_landmarks(landmarks)) return std::nullopt;
  // The points' fit to the template, turned round.
  const Similarity fit = fit_similarity(landmarks, target);
  const float square = fit.a * fit.a + fit.b * fit.b;
  if (!(square > 0)) return std::nullopt;
  Similarity inverse = {fit.a / square, -fit.b / square, {}};
  const Point origin = inverse(fit.shift);
  inverse.shift = {-origin.x, -origin.y};
  return inverse;
}

namespace {

/// The face moved so that its points come closest to `target`, points of a square of side_px.
Image align(const ImageView& image, const Landmarks& landmarks, const Landmarks& target,
            int side_px) {
  check_view(image, "image");
  const std::optional<Similarity> place = image_from_template(landmarks, target);
  if (!place) fail(ErrorCode::kInvalidArgument, "landmarks: expected five points of a face");
  return warp(image, *place, side_px, side_px);
}

}  // namespace

Landmarks internal::aligned_landmarks(int side_px) {
  if (side_px == kAlignedSide) return kAlignedLandmarks;
  constexpr float kMargin = 0.125F;  // of the side
  const auto side = static_cast<float>(side_px);
  const float scale = (1 - 2 * kMargin) * side / static_cast<float>(kAlignedSide);
  Landmarks points = kAlignedLandmarks;
  for (Point& p : points) p = {scale * p.x + kMargin * side, scale * p.y + kMargin * side};
  return points;
}

void internal::check_aligned_side(int side_px, const char* name) {
  if (side_px >= kMinAlignedSide && side_px <= kMaxAlignedSide) return;
  fail(ErrorCode::kInvalidArgument, "{}: expected {} to {} pixels, found {}", name, kMinAlignedSide,
       kMaxAlignedSide, side_px);
}

Image align_face(const ImageView& image, const Landmarks& landmarks) {
  return align_face(image, landmarks, kAlignedSide);
}

Image align_face(const ImageView& image, const Landmarks& landmarks, int side_px) {
  check_view(image, "image");
  check_aligned_side(side_px);
  return align(image, landmarks, aligned_landmarks(side_px), side_px);
}

Image internal::align_to_template(const ImageView& image, const Landmarks& landmarks, int side_px) {
  Landmarks target = kAlignedLandmarks;
  const float scale = static_cast<float>(side_px) / static_cast<float>(kAlignedSide);
  for (Point& p : target) p = {scale * p.x, scale * p.y};
  return align(image, landmarks, target, side_px);
}

}  // namespace retinaface
