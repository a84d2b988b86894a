#include "detection/nms.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>

#include "geometry/box.h"

namespace retinaface::detection {
namespace {

/// The boxes that stay, found by place: each is entered in all cells of a grid in which the centre
/// of a box that it suppresses can lie, so a new box looks into a single cell.
class KeptBoxes {
 public:
  KeptBoxes(const std::vector<Face>& faces, float max_iou) {
    // If the centre m of box B lies outside box K, beyond K's edge by d along x, B and K share at
    // most B.width / 2 - d along x. For an IoU over t that must be over t B.width, and B.width is
    // under K.width / t; so d < (1/2 - t) K.width / t. For a small t that is everywhere.
    const float t = max_iou;
    constexpr float kMinIou = 0.1F;
    const bool everywhere = t < kMinIou;
    reach_ = everywhere || t >= 0.5F ? 0.0F : (0.5F - t) / t;

    Point low = {std::numeric_limits<float>::max(), std::numeric_limits<float>::max()};
    Point high = {std::numeric_limits<float>::lowest(), std::numeric_limits<float>::lowest()};
    for (const Face& face : faces) {
      const Point center = face.box.center();
      low = {std::min(low.x, center.x), std::min(low.y, center.y)};
      high = {std::max(high.x, center.x), std::max(high.y, center.y)};
    }
    constexpr float kMinCell = 32;  // px: about the size of most faces in a crowd
    constexpr float kMaxCells = 256;
    origin_ = low;
    if (everywhere) high = low;  // a single cell, which holds all of the few boxes that stay
    cell_px_ = std::max({kMinCell, (high.x - low.x) / kMaxCells, (high.y - low.y) / kMaxCells});
    columns_ = static_cast<std::int64_t>((high.x - low.x) / cell_px_) + 1;
    rows_ = static_cast<std::int64_t>((high.y - low.y) / cell_px_) + 1;
    cells_.resize(static_cast<std::size_t>(columns_ * rows_));
  }

  bool suppress(const Box& box, float max_iou) const {
    const Point center = box.center();
    const auto& cell =
        cells_[static_cast<std::size_t>(row(center.y) * columns_ + column(center.x))];
    return std::ranges::any_of(cell, [&](const Box& kept) { return iou(kept, box) > max_iou; });
  }

  void add(const Box& box) {
    const float reach_x = reach_ * box.width();
    const float reach_y = reach_ * box.height();
    for (std::int64_t y = row(box.y0 - reach_y); y <= row(box.y1 + reach_y); ++y) {
      for (std::int64_t x = column(box.x0 - reach_x); x <= column(box.x1 + reach_x); ++x) {
        cells_[static_cast<std::size_t>(y * columns_ + x)].push_back(box);
      }
    }
  }

 private:
  std::int64_t column(float x) const { return cell(x - origin_.x, columns_); }
  std::int64_t row(float y) const { return cell(y - origin_.y, rows_); }
  std::int64_t cell(float offset_px, std::int64_t count) const {
    return static_cast<std::int64_t>(
        std::clamp(offset_px / cell_px_, 0.0F, static_cast<float>(count - 1)));
  }

  float reach_ = 0;  // by which a box's cells go beyond it, in its own sides
  Point origin_;
  float cell_px_ = 0;
  std::int64_t columns_ = 0;
  std::int64_t rows_ = 0;
  std::vector<std::vector<Box>> cells_;
};

/// Whether the face lies where a picture can be; false for coordinates that are no numbers.
bool is_somewhere(const Face& face) {
  constexpr float kFar = 1e9F;  // px
  const auto near = [](const Point& p) { return std::abs(p.x) < kFar && std::abs(p.y) < kFar; };
  return near({face.box.x0, face.box.y0}) && near({face.box.x1, face.box.y1}) &&
         std::ranges::all_of(face.landmarks, near);
}

}  // namespace

void sort_by_score(std::vector<Face>& faces) {
  std::ranges::stable_sort(faces, std::greater(), &Face::score);
}

void suppress_overlaps(std::vector<Face>& faces, float max_iou) {
  // A network gone wrong can yield boxes that are no boxes; they have no place on a grid.
  std::erase_if(faces, [](const Face& face) { return !is_somewhere(face); });
  if (faces.empty()) return;
  KeptBoxes kept(faces, max_iou);
  std::erase_if(faces, [&](const Face& face) {
    if (kept.suppress(face.box, max_iou)) return true;
    kept.add(face.box);
    return false;
  });
}

}  // namespace retinaface::detection
