#include "training/matching.h"

#include <algorithm>
#include <cmath>

#include "detection/anchors.h"
#include "geometry/box.h"

namespace retinaface::training {
namespace {

using detection::Anchor;
using detection::Grid;

Box box_of(const Anchor& anchor) {
  const float half = anchor.size_px / 2;
  return {anchor.center.x - half, anchor.center.y - half, anchor.center.x + half,
          anchor.center.y + half};
}

/// The most that a box can overlap a square of this side, wherever the square is.
float max_iou(const Box& box, float side) {
  const float shared = std::min(box.width(), side) * std::min(box.height(), side);
  return shared / (area(box) + side * side - shared);
}

/// Cells [first, last) along one axis whose anchors of this side may touch [begin, end).
struct Cells {
  std::int64_t first;
  std::int64_t last;
};

Cells touched_cells(float begin, float end, float side, int stride, std::int64_t count) {
  const auto step = static_cast<float>(stride);
  const auto limit = static_cast<float>(count);
  const float first = std::floor((begin - side / 2) / step - 0.5F);
  const float last = std::ceil((end + side / 2) / step - 0.5F) + 1;
  return {static_cast<std::int64_t>(std::clamp(first, 0.0F, limit)),
          static_cast<std::int64_t>(std::clamp(last, 0.0F, limit))};
}

/// Calls `visit(index, iou)` for every anchor that may overlap the box by at least `min_iou`.
template <typename Visit>
void visit_overlaps(const models::AnchorFamily& family, std::int64_t height, std::int64_t width,
                    const Box& box, float min_iou, const Visit& visit) {
  std::size_t level_offset = 0;
  for (const models::AnchorLevel& level : family.levels) {
    const Grid grid = detection::grid_of(level, height, width);
    const std::size_t per_cell = level.sizes_px.size();
    for (std::size_t i = 0; i < per_cell; ++i) {
      const float side = level.sizes_px[i];
      if (max_iou(box, side) < min_iou) continue;
      const Cells rows = touched_cells(box.y0, box.y1, side, level.stride_px, grid.height);
      const Cells columns = touched_cells(box.x0, box.x1, side, level.stride_px, grid.width);
      for (std::int64_t row = rows.first; row < rows.last; ++row) {
        for (std::int64_t column = columns.first; column < columns.last; ++column) {
          const auto cell = static_cast<std::size_t>(row * grid.width + column);
          visit(level_offset + cell * per_cell + i,
                iou(box_of(detection::anchor_at(level, row, column, i)), box));
        }
      }
    }
    level_offset += static_cast<std::size_t>(grid.height * grid.width) * per_cell;
  }
}

struct Best {
  float iou = 0;
  std::size_t index = 0;
};

}  // namespace

std::vector<std::int32_t> match_anchors(const models::AnchorFamily& family, std::int64_t height,
                                        std::int64_t width,
                                        std::span<const dataset::AnnotatedFace> faces,
                                        const MatchingOptions& options) {
  const auto anchors = static_cast<std::size_t>(detection::anchor_count(family, height, width));
  std::vector<std::int32_t> match(anchors, kBackground);
  std::vector<Best> best_face(match.size());
  std::vector<Best> best_anchor(faces.size());
  const float minimum = std::min(options.negative_iou, options.force_above_iou);
  for (std::size_t f = 0; f < faces.size(); ++f) {
    if (faces[f].ignored || area(faces[f].box) <= 0) continue;
    visit_overlaps(family, height, width, faces[f].box, minimum, [&](std::size_t a, float overlap) {
      if (overlap > best_face[a].iou) best_face[a] = {overlap, f};
      if (overlap > best_anchor[f].iou) best_anchor[f] = {overlap, a};
    });
  }
  for (std::size_t a = 0; a < match.size(); ++a) {
    if (best_face[a].iou < options.negative_iou) continue;
    match[a] = best_face[a].iou >= options.positive_iou
                   ? static_cast<std::int32_t>(best_face[a].index)
                   : kNeither;
  }
  for (const dataset::AnnotatedFace& face : faces) {
    if (!face.ignored || area(face.box) <= 0) continue;
    visit_overlaps(family, height, width, face.box, options.ignored_face_iou,
                   [&](std::size_t a, float overlap) {
                     if (overlap >= options.ignored_face_iou && match[a] == kBackground) {
                       match[a] = kNeither;
                     }
                   });
  }
  if (!options.force_best) return match;
  for (std::size_t f = 0; f < faces.size(); ++f) {
    if (best_anchor[f].iou > 0 && best_anchor[f].iou >= options.force_above_iou) {
      match[best_anchor[f].index] = static_cast<std::int32_t>(f);
    }
  }
  return match;
}

}  // namespace retinaface::training
