#include "detection/large_face_check.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstring>

#include "detection/plausibility.h"
#include "geometry/box.h"
#include "image/convert.h"
#include "image/resize.h"

namespace retinaface::detection {
namespace {

float longer_side(const Box& box) {
  return std::max(box.width(), box.height());
}

}  // namespace

bool LargeFaceCheck::is_due(const models::LargeFacePolicy& policy, const Face& face) {
  return face.score >= kMinJudgedScore && longer_side(face.box) >= policy.min_face_px;
}

LargeFaceCheck::LargeFaceCheck(const models::LargeFacePolicy& policy, const ImageView& image,
                               const Face& seen)
    : view_(policy.view_px, policy.view_px),
      min_score_(seen.score >= policy.sure_score ? policy.min_score : policy.min_score_of_unsure),
      min_iou_(policy.min_iou) {
  const Box& face = seen.box;
  const float side = policy.view_by_face * longer_side(face);
  const float view_from_image = static_cast<float>(policy.view_px) / side;
  const Point corner = {face.center().x - side / 2, face.center().y - side / 2};
  face_in_view_ = {(face.x0 - corner.x) * view_from_image, (face.y0 - corner.y) * view_from_image,
                   (face.x1 - corner.x) * view_from_image, (face.y1 - corner.y) * view_from_image};

  // The part that lies in the image, in whole pixels: of so large faces half a pixel is nothing.
  const Box shown =
      intersection({corner.x, corner.y, corner.x + side, corner.y + side},
                   {0, 0, static_cast<float>(image.width), static_cast<float>(image.height)});
  const int left = static_cast<int>(shown.x0);
  const int top = static_cast<int>(shown.y0);
  const int width = static_cast<int>(shown.x1) - left;
  const int height = static_cast<int>(shown.y1) - top;
  if (width <= 0 || height <= 0) return;
  const auto in_view = [&](float v) {
    return std::clamp(static_cast<int>(std::lround(v * view_from_image)), 0, policy.view_px);
  };
  const int view_left = in_view(static_cast<float>(left) - corner.x);
  const int view_top = in_view(static_cast<float>(top) - corner.y);
  const int view_width = in_view(static_cast<float>(left + width) - corner.x) - view_left;
  const int view_height = in_view(static_cast<float>(top + height) - corner.y) - view_top;
  if (view_width <= 0 || view_height <= 0) return;
  const Image part = resize(part_of(image, left, top, width, height), view_width, view_height);
  for (int y = 0; y < view_height; ++y) {
    std::memcpy(view_.row(view_top + y) + 3 * std::ptrdiff_t{view_left}, part.row(y),
                3 * static_cast<std::size_t>(view_width));
  }
}

bool LargeFaceCheck::confirms(const std::vector<Face>& found) const {
  return std::ranges::any_of(found, [&](const Face& face) {
    return face.score >= min_score_ && iou(face.box, face_in_view_) > min_iou_;
  });
}

}  // namespace retinaface::detection
