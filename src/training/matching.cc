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

using Matches = std::vector<std::int32_t>;

bool counts(const dataset::AnnotatedFace& face) {
  return !face.ignored && area(face.box) > 0;
}

Matches match_by_iou(const models::AnchorFamily& family, std::int64_t height, std::int64_t width,
                     std::span<const dataset::AnnotatedFace> faces, const MatchingOptions& options,
                     std::vector<Best>& best_anchor) {
  Matches match(static_cast<std::size_t>(detection::anchor_count(family, height, width)),
                kBackground);
  std::vector<Best> best_face(match.size());
  const float minimum = std::min(options.negative_iou, options.force_above_iou);
  for (std::size_t f = 0; f < faces.size(); ++f) {
    if (!counts(faces[f])) continue;
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
  return match;
}

/// An anchor that may become a face's.
struct Candidate {
  std::size_t index = 0;
  float distance = 0;  ///< of the centres, squared
  float iou = 0;
  bool inside = false;  ///< its centre is in the face's box
};

/// The anchors of one level nearest to the face's centre, of equally near ones the first.
/// `offset` is the level's first anchor.
std::vector<Candidate> nearest(const models::AnchorLevel& level, const Grid& grid,
                               std::size_t offset, const Box& box, int count) {
  const Point center = box.center();
  const auto stride = static_cast<float>(level.stride_px);
  const auto cell_of = [&](float position, std::int64_t cells) {
    return static_cast<std::int64_t>(
        std::clamp(std::floor(position / stride), 0.0F, static_cast<float>(cells - 1)));
  };
  // The `count` cells around the nearest one, either way, hold as many that are nearer than those
  // beyond.
  const std::int64_t row = cell_of(center.y, grid.height);
  const std::int64_t column = cell_of(center.x, grid.width);
  std::vector<Candidate> found;
  for (std::int64_t y = std::max<std::int64_t>(row - count, 0);
       y <= std::min(row + count, grid.height - 1); ++y) {
    for (std::int64_t x = std::max<std::int64_t>(column - count, 0);
         x <= std::min(column + count, grid.width - 1); ++x) {
      for (std::size_t i = 0; i < level.sizes_px.size(); ++i) {
        const Anchor anchor = detection::anchor_at(level, y, x, i);
        const float dx = anchor.center.x - center.x;
        const float dy = anchor.center.y - center.y;
        const auto cell = static_cast<std::size_t>(y * grid.width + x);
        found.push_back({offset + cell * level.sizes_px.size() + i, dx * dx + dy * dy,
                         iou(box_of(anchor), box), contains(box, anchor.center)});
      }
    }
  }
  const auto kept = std::min(found.size(), static_cast<std::size_t>(count));
  std::ranges::partial_sort(found, found.begin() + static_cast<std::ptrdiff_t>(kept),
                            [](const Candidate& a, const Candidate& b) {
                              return a.distance != b.distance ? a.distance < b.distance
                                                              : a.index < b.index;
                            });
  found.resize(kept);
  return found;
}

/// Mean and standard deviation (of a sample) of the candidates' IoU, added.
float adaptive_threshold(std::span<const Candidate> candidates) {
  double sum = 0;
  for (const Candidate& each : candidates) sum += static_cast<double>(each.iou);
  const auto count = static_cast<double>(candidates.size());
  const double mean = sum / count;
  double squares = 0;
  for (const Candidate& each : candidates) {
    squares += (static_cast<double>(each.iou) - mean) * (static_cast<double>(each.iou) - mean);
  }
  return static_cast<float>(mean + std::sqrt(squares / std::max(count - 1, 1.0)));
}

Matches match_adaptively(const models::AnchorFamily& family, std::int64_t height,
                         std::int64_t width, std::span<const dataset::AnnotatedFace> faces,
                         const MatchingOptions& options) {
  Matches match(static_cast<std::size_t>(detection::anchor_count(family, height, width)),
                kBackground);
  std::vector<float> best_iou(match.size());
  std::vector<std::vector<Candidate>> candidates(faces.size());
  for (std::size_t f = 0; f < faces.size(); ++f) {
    if (!counts(faces[f])) continue;
    std::size_t offset = 0;
    for (const models::AnchorLevel& level : family.levels) {
      const Grid grid = detection::grid_of(level, height, width);
      for (const Candidate& each : nearest(level, grid, offset, faces[f].box, options.candidates)) {
        candidates[f].push_back(each);
      }
      offset += static_cast<std::size_t>(grid.height * grid.width) * level.sizes_px.size();
    }
    const float threshold = adaptive_threshold(candidates[f]);
    for (const Candidate& each : candidates[f]) {
      if (each.inside && each.iou >= threshold && each.iou > best_iou[each.index]) {
        best_iou[each.index] = each.iou;
        match[each.index] = static_cast<std::int32_t>(f);
      }
    }
  }
  if (!options.force_best) return match;
  std::vector<bool> has_some(faces.size());
  for (const std::int32_t face : match) {
    if (face >= 0) has_some[static_cast<std::size_t>(face)] = true;
  }
  for (std::size_t f = 0; f < faces.size(); ++f) {
    if (has_some[f]) continue;
    Best best;
    for (const Candidate& each : candidates[f]) {
      if (match[each.index] < 0 && each.iou > best.iou) best = {each.iou, each.index};
    }
    if (best.iou > 0 && best.iou >= options.force_above_iou) {
      match[best.index] = static_cast<std::int32_t>(f);
    }
  }
  return match;
}

}  // namespace

std::vector<std::int32_t> match_anchors(const models::AnchorFamily& family, std::int64_t height,
                                        std::int64_t width,
                                        std::span<const dataset::AnnotatedFace> faces,
                                        const MatchingOptions& options) {
  std::vector<Best> best_anchor(faces.size());
  const bool adaptive = options.method == MatchingMethod::kAtss;
  Matches match = adaptive ? match_adaptively(family, height, width, faces, options)
                           : match_by_iou(family, height, width, faces, options, best_anchor);
  for (const dataset::AnnotatedFace& face : faces) {
    if (!face.ignored || area(face.box) <= 0) continue;
    visit_overlaps(family, height, width, face.box, options.ignored_face_iou,
                   [&](std::size_t a, float overlap) {
                     if (overlap >= options.ignored_face_iou && match[a] == kBackground) {
                       match[a] = kNeither;
                     }
                   });
  }
  if (!options.force_best || adaptive) return match;
  for (std::size_t f = 0; f < faces.size(); ++f) {
    if (best_anchor[f].iou > 0 && best_anchor[f].iou >= options.force_above_iou) {
      match[best_anchor[f].index] = static_cast<std::int32_t>(f);
    }
  }
  return match;
}

}  // namespace retinaface::training
