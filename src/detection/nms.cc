#include "detection/nms.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstdint>
#include <functional>
#include <limits>
#include <numeric>
#include <span>

#include "geometry/box.h"

namespace retinaface::detection {
namespace {

/// The boxes that stay, found by place: each is entered in all cells of a grid in which the centre
/// of a box that it suppresses can lie, so a new box looks into a single cell.
class KeptBoxes {
 public:
  /// `box_of(item)` yields the box of each of `items`.
  template <typename Items, typename BoxOf>
  KeptBoxes(const Items& items, const BoxOf& box_of, float max_iou) {
    // If the centre m of box B lies outside box K, beyond K's edge by d along x, B and K share at
    // most B.width / 2 - d along x. For an IoU over t that must be over t B.width, and B.width is
    // under K.width / t; so d < (1/2 - t) K.width / t. For a small t that is everywhere.
    const float t = max_iou;
    constexpr float kMinIou = 0.1F;
    const bool everywhere = t < kMinIou;
    reach_ = everywhere || t >= 0.5F ? 0.0F : (0.5F - t) / t;

    Point low = {std::numeric_limits<float>::max(), std::numeric_limits<float>::max()};
    Point high = {std::numeric_limits<float>::lowest(), std::numeric_limits<float>::lowest()};
    for (const auto& item : items) {
      const Point center = box_of(item).center();
      low = {std::min(low.x, center.x), std::min(low.y, center.y)};
      high = {std::max(high.x, center.x), std::max(high.y, center.y)};
    }
    constexpr float kMinCell = 48;  // px: most faces of a crowd are in few cells, with few others
    constexpr float kMaxCells = 256;
    origin_ = low;
    if (everywhere) high = low;  // a single cell, which holds all of the few boxes that stay
    cells_per_px_ =
        1 / std::max({kMinCell, (high.x - low.x) / kMaxCells, (high.y - low.y) / kMaxCells});
    columns_ = static_cast<std::int64_t>((high.x - low.x) * cells_per_px_) + 1;
    rows_ = static_cast<std::int64_t>((high.y - low.y) * cells_per_px_) + 1;
    first_.resize(static_cast<std::size_t>(columns_ * rows_), kNone);
    chunks_.reserve(items.size() / 2);
  }

  bool suppress(const Box& box, float max_iou) const {
    const Point center = box.center();
    std::int32_t i = first_[cell_index(column(center.x), row(center.y))];
    while (i != kNone) {
      const Chunk& chunk = chunks_[static_cast<std::size_t>(i)];
      if (may_suppress(chunk, box, max_iou)) {
        for (std::size_t k = 0; k < chunk.count; ++k) {
          if (iou(chunk.box(k), box) > max_iou) return true;
        }
      }
      i = chunk.next;
    }
    return false;
  }

  void add(const Box& box) {
    const float reach_x = reach_ * box.width();
    const float reach_y = reach_ * box.height();
    for (std::int64_t y = row(box.y0 - reach_y); y <= row(box.y1 + reach_y); ++y) {
      for (std::int64_t x = column(box.x0 - reach_x); x <= column(box.x1 + reach_x); ++x) {
        std::int32_t& first = first_[cell_index(x, y)];
        if (first == kNone || chunks_[static_cast<std::size_t>(first)].count == kChunk) {
          chunks_.push_back({.next = first});
          first = static_cast<std::int32_t>(chunks_.size() - 1);
        }
        chunks_[static_cast<std::size_t>(first)].add(box);
      }
    }
  }

 private:
  static constexpr std::int32_t kNone = -1;

  static constexpr std::size_t kChunk = 8;

  /// Some boxes of a cell, coordinate by coordinate, and where the others are. Unused places hold
  /// empty boxes.
  struct Chunk {
    std::array<float, kChunk> x0{}, y0{}, x1{}, y1{};
    std::uint32_t count = 0;
    std::int32_t next = kNone;

    Box box(std::size_t i) const { return {x0[i], y0[i], x1[i], y1[i]}; }
    void add(const Box& box) {
      x0[count] = box.x0;
      y0[count] = box.y0;
      x1[count] = box.x1;
      y1[count] = box.y1;
      ++count;
    }
  };

  /// False only if no box of the chunk overlaps by more than `max_iou`. All at once, without
  /// branches and divisions: most boxes of a cell share nothing with the new one.
  static bool may_suppress(const Chunk& chunk, const Box& box, float max_iou) {
    const float bound = max_iou * (1 - 1e-5F);  // covers the rounding
    const float own = area(box);
    const auto positive = [](float x) { return x > 0 ? x : 0.0F; };
    std::array<int, kChunk> found;
    for (std::size_t i = 0; i < kChunk; ++i) {
      const float x0 = chunk.x0[i] > box.x0 ? chunk.x0[i] : box.x0;
      const float y0 = chunk.y0[i] > box.y0 ? chunk.y0[i] : box.y0;
      const float x1 = chunk.x1[i] < box.x1 ? chunk.x1[i] : box.x1;
      const float y1 = chunk.y1[i] < box.y1 ? chunk.y1[i] : box.y1;
      const float shared = positive(x1 - x0) * positive(y1 - y0);
      const float kept = positive(chunk.x1[i] - chunk.x0[i]) * positive(chunk.y1[i] - chunk.y0[i]);
      const float excess = shared - bound * (kept + own - shared);
      found[i] = (shared > 0 ? 1 : 0) & (excess >= 0 ? 1 : 0);
    }
    int any = 0;
    for (const int one : found) any |= one;
    return any != 0;
  }

  std::size_t cell_index(std::int64_t column, std::int64_t row) const {
    return static_cast<std::size_t>(row * columns_ + column);
  }
  std::int64_t column(float x) const { return cell(x - origin_.x, columns_); }
  std::int64_t row(float y) const { return cell(y - origin_.y, rows_); }
  std::int64_t cell(float offset_px, std::int64_t count) const {
    return static_cast<std::int64_t>(
        std::clamp(offset_px * cells_per_px_, 0.0F, static_cast<float>(count - 1)));
  }

  float reach_ = 0;  // by which a box's cells go beyond it, in its own sides
  Point origin_;
  float cells_per_px_ = 0;
  std::int64_t columns_ = 0;
  std::int64_t rows_ = 0;
  std::vector<std::int32_t> first_;  // by cell, the chunk begun last
  std::vector<Chunk> chunks_;
};

bool is_near(float coordinate) {
  constexpr float kFar = 1e9F;  // px
  return std::abs(coordinate) < kFar;
}

/// Whether the box lies where an image can be; false for coordinates that are no numbers.
bool is_somewhere(const Box& box) {
  return is_near(box.x0) && is_near(box.y0) && is_near(box.x1) && is_near(box.y1);
}
bool is_somewhere(const Face& face) {
  return is_somewhere(face.box) && std::ranges::all_of(face.landmarks, [](const Point& point) {
           return is_near(point.x) && is_near(point.y);
         });
}

/// An integer that falls as the score rises, over all floats but NaN.
std::uint32_t falling_key(float score) {
  constexpr std::uint32_t kSign = 0x80000000;
  const auto bits = std::bit_cast<std::uint32_t>(score + 0.0F);  // -0 becomes 0
  return (bits & kSign) != 0 ? bits : ~(bits | kSign);
}

}  // namespace

void sort_by_score(std::vector<Face>& faces) {
  // Tens of thousands of candidates in a crowd: their numbers are sorted, digit by digit from the
  // least significant, and each face is moved once.
  constexpr unsigned kDigitBits = 11;
  constexpr std::size_t kDigits = std::size_t{1} << kDigitBits;
  struct Numbered {
    std::uint32_t key;
    std::uint32_t face;
  };
  std::vector<Numbered> order(faces.size());
  std::vector<Numbered> next(faces.size());
  for (std::size_t i = 0; i < faces.size(); ++i) {
    order[i] = {falling_key(faces[i].score), static_cast<std::uint32_t>(i)};
  }
  for (unsigned shift = 0; shift < 32; shift += kDigitBits) {
    const auto digit = [&](const Numbered& item) { return item.key >> shift & (kDigits - 1); };
    std::array<std::uint32_t, kDigits> place{};
    for (const Numbered& item : order) ++place[digit(item)];
    std::exclusive_scan(place.begin(), place.end(), place.begin(), 0U);
    for (const Numbered& item : order) next[place[digit(item)]++] = item;
    order.swap(next);
  }
  std::vector<Face> sorted;
  sorted.reserve(faces.size());
  for (const Numbered& item : order) sorted.push_back(faces[item.face]);
  faces = std::move(sorted);
}

void suppress_overlaps(std::vector<Face>& faces, float max_iou) {
  // A network gone wrong can yield boxes that are no boxes; they have no place on a grid.
  std::erase_if(faces, [](const Face& face) { return !is_somewhere(face); });
  if (faces.empty()) return;
  KeptBoxes kept(faces, std::mem_fn(&Face::box), max_iou);
  std::erase_if(faces, [&](const Face& face) {
    if (kept.suppress(face.box, max_iou)) return true;
    kept.add(face.box);
    return false;
  });
}

std::vector<std::size_t> keep_apart(std::span<const Box> boxes, float max_iou) {
  std::vector<std::size_t> places;
  for (std::size_t i = 0; i < boxes.size(); ++i) {
    if (is_somewhere(boxes[i])) places.push_back(i);
  }
  if (places.empty()) return places;
  KeptBoxes kept(
      places, [&](std::size_t i) { return boxes[i]; }, max_iou);
  std::erase_if(places, [&](std::size_t i) {
    if (kept.suppress(boxes[i], max_iou)) return true;
    kept.add(boxes[i]);
    return false;
  });
  return places;
}

std::vector<std::size_t> keep_uncovered(std::span<const Box> boxes, float max_share) {
  std::vector<std::size_t> kept;
  for (std::size_t i = 0; i < boxes.size(); ++i) {
    if (!is_somewhere(boxes[i])) continue;
    const bool covered = std::ranges::any_of(kept, [&](std::size_t k) {
      const float smaller = std::min(area(boxes[k]), area(boxes[i]));
      return area(intersection(boxes[k], boxes[i])) > max_share * smaller;
    });
    if (!covered) kept.push_back(i);
  }
  return kept;
}

}  // namespace retinaface::detection
