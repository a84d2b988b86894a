#include "models/search_policy.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "base/check.h"
#include "models/detector_spec.h"

namespace retinaface::models {

SearchPolicy derived_search_policy(const AnchorFamily& anchors) {
  float smallest = std::numeric_limits<float>::max();
  float largest = 0;
  int coarsest_stride = 1;
  for (const AnchorLevel& level : anchors.levels) {
    coarsest_stride = std::max(coarsest_stride, level.stride_px);
    for (const float size : level.sizes_px) {
      smallest = std::min(smallest, size);
      largest = std::max(largest, size);
    }
  }
  RF_CHECK(smallest > 0 && largest >= 8 * smallest);
  SearchPolicy policy;
  policy.one_pass_side_px = 1.25F * largest;
  policy.coarsest_side_px = largest;
  policy.max_face_px = 0.875F * largest;
  policy.min_part_px = 0.25F * largest;
  policy.scale_step = 0.25F * largest / smallest;
  policy.enlarged_below_px = policy.one_pass_side_px;
  policy.max_enlarged_face_px = 4 * smallest;
  policy.min_face_px = 2.5F * smallest;
  policy.max_refined_px = 1.5F * smallest;
  policy.crop_margin_px = 0.5F * smallest;
  policy.same_face_px = 0.5F * smallest;
  // Enlarged, a crop is whole cells of the coarsest stride.
  const int part = coarsest_stride % 4 == 0 ? coarsest_stride / 4 : coarsest_stride;
  policy.crop_side_px = static_cast<int>(std::ceil(2 * smallest / static_cast<float>(part))) * part;
  policy.crop_scale = 3 * policy.crop_side_px % coarsest_stride == 0 ? 3 : 4;
  RF_CHECK(policy.crop_scale * policy.crop_side_px % coarsest_stride == 0);
  return policy;
}

}  // namespace retinaface::models
