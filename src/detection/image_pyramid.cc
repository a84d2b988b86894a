#include "detection/image_pyramid.h"

#include <algorithm>

#include "geometry/box.h"

namespace retinaface::detection {

std::vector<PyramidLevel> image_pyramid(const models::SearchPolicy& policy, int width, int height) {
  const auto longer = static_cast<float>(std::max(width, height));
  if (longer < policy.enlarged_below_px) {
    return {{}, {.scale = policy.enlargement, .max_px = policy.max_enlarged_face_px}};
  }
  if (longer <= policy.one_pass_side_px) return {{}};
  const float coarsest = std::min(policy.coarsest_side_px / longer, policy.max_coarsest_scale);
  std::vector<PyramidLevel> pyramid = {{.scale = 1, .max_px = policy.max_face_px}};
  float scale = 1;
  while (scale > coarsest) {
    scale = std::max(scale / policy.scale_step, coarsest);
    pyramid.push_back({scale, policy.min_face_px / scale, policy.max_face_px / scale});
  }
  pyramid.back().max_px = std::numeric_limits<float>::infinity();
  std::ranges::reverse(pyramid);
  return pyramid;
}

void drop_parts(const models::SearchPolicy& policy, std::vector<Face>& faces,
                const std::vector<Face>& larger) {
  // What passes for a part is itself large. Small faces may well be beside a head.
  constexpr float kHeadByFace = 1.6F;  // a head's sides, hair and all, in those of its face
  const auto is_part = [&](const Face& face, const Face& whole) {
    if (whole.score < face.score || area(whole.box) <= area(face.box)) return false;
    const bool large = std::max(face.box.width(), face.box.height()) >= policy.min_part_px;
    const float reach = large ? kHeadByFace : 1;
    const Point center = face.box.center();
    const Point middle = whole.box.center();
    const float x = 2 * (center.x - middle.x) / whole.box.width();
    const float y = 2 * (center.y - middle.y) / whole.box.height();
    return x * x + y * y < reach * reach;
  };
  std::erase_if(faces, [&](const Face& face) {
    return std::ranges::any_of(larger, [&](const Face& whole) { return is_part(face, whole); });
  });
}

}  // namespace retinaface::detection
