#pragma once

#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>

#include "retinaface/geometry.h"

#include "detection/anchors.h"
#include "models/catalogue.h"

namespace retinaface::detection {

// How the network's offsets stand for boxes and points relative to an anchor of centre a and side
// s (Fast R-CNN, Girshick 2015, with the variances v_c and v_s of SSD, Liu et al. 2016):
//   box        centre = a + v_c d_xy s,  side = s exp(v_s d_wh)
//   landmarks  point = a + v_c d s
// or, where boxes are BoxCoding::kSideDistances (Tian et al. 2019, FCOS),
//   box        from a - s (d_left, d_top) to a + s (d_right, d_bottom)
// Decoding and encoding are each other's inverse; encoding knows the first kind alone
// (models::is_encodable).

using BoxOffsets = std::array<float, 4>;        ///< dx, dy, dw, dh
using LandmarkOffsets = std::array<float, 10>;  ///< dx, dy of the five points

/// The anchor number `index` of a cell as offsets are coded against it: anchor_at, where the family
/// says nothing else of centres and sizes.
inline Anchor coding_anchor(const models::AnchorFamily& family, const models::AnchorLevel& level,
                            std::int64_t row, std::int64_t column, std::size_t index) {
  Anchor anchor = anchor_at(level, row, column, index);
  const auto stride = static_cast<float>(level.stride_px);
  const float shift = (family.cell_center - 0.5F) * stride;
  anchor.center = {anchor.center.x + shift, anchor.center.y + shift};
  if (family.in_strides) anchor.size_px = stride;
  return anchor;
}

inline Box decode_box(const Anchor& anchor, const BoxOffsets& offsets,
                      const models::AnchorFamily& family) {
  if (family.boxes == models::BoxCoding::kSideDistances) {
    return {anchor.center.x - offsets[0] * anchor.size_px,
            anchor.center.y - offsets[1] * anchor.size_px,
            anchor.center.x + offsets[2] * anchor.size_px,
            anchor.center.y + offsets[3] * anchor.size_px};
  }
  const float shift = family.center_variance * anchor.size_px;
  const Point center = {anchor.center.x + offsets[0] * shift, anchor.center.y + offsets[1] * shift};
  const float half_width = anchor.size_px * std::exp(offsets[2] * family.size_variance) / 2;
  const float half_height = anchor.size_px * std::exp(offsets[3] * family.size_variance) / 2;
  return {center.x - half_width, center.y - half_height, center.x + half_width,
          center.y + half_height};
}

/// The box must have an area: the logarithm of an empty side is not finite.
inline BoxOffsets encode_box(const Anchor& anchor, const Box& box,
                             const models::AnchorFamily& family) {
  const float shift = family.center_variance * anchor.size_px;
  const Point center = box.center();
  return {(center.x - anchor.center.x) / shift, (center.y - anchor.center.y) / shift,
          std::log(box.width() / anchor.size_px) / family.size_variance,
          std::log(box.height() / anchor.size_px) / family.size_variance};
}

inline Landmarks decode_landmarks(const Anchor& anchor, const LandmarkOffsets& offsets,
                                  const models::AnchorFamily& family) {
  const float shift = family.center_variance * anchor.size_px;
  Landmarks points;
  for (std::size_t k = 0; k < points.size(); ++k) {
    points[k] = {anchor.center.x + offsets[2 * k] * shift,
                 anchor.center.y + offsets[2 * k + 1] * shift};
  }
  return points;
}

inline LandmarkOffsets encode_landmarks(const Anchor& anchor, const Landmarks& points,
                                        const models::AnchorFamily& family) {
  const float shift = family.center_variance * anchor.size_px;
  LandmarkOffsets offsets;
  for (std::size_t k = 0; k < points.size(); ++k) {
    offsets[2 * k] = (points[k].x - anchor.center.x) / shift;
    offsets[2 * k + 1] = (points[k].y - anchor.center.y) / shift;
  }
  return offsets;
}

}  // namespace retinaface::detection
