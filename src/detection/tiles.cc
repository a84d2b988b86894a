#include "detection/tiles.h"

#include <algorithm>
#include <limits>

#include "base/check.h"

namespace retinaface::detection {
namespace {

struct Stretch {
  int begin = 0;
  int length = 0;
  float core_begin = 0;
  float core_end = 0;
};

std::vector<Stretch> cut(int extent, const TileSizes& sizes) {
  constexpr float kOverlap = 16;
  constexpr float kFar = std::numeric_limits<float>::max();
  const int side = sizes.side_px;
  const int stride = sizes.stride_px;
  const int margin = tile_margin(sizes);
  const int step = (side - 2 * margin) / stride * stride;
  RF_CHECK(step > 0);
  std::vector<Stretch> stretches;
  for (int begin = 0;; begin += step) {
    const bool last = extent - begin <= side;
    const int length = last ? extent - begin : side;
    stretches.push_back({begin, length,
                         begin == 0 ? -kFar : static_cast<float>(begin + margin) - kOverlap,
                         last ? kFar : static_cast<float>(begin + step + margin) + kOverlap});
    if (last) return stretches;
  }
}

}  // namespace

int tile_margin(const TileSizes& sizes) {
  RF_CHECK(sizes.stride_px > 0 && sizes.margin_px >= 0);
  return (sizes.margin_px + sizes.stride_px - 1) / sizes.stride_px * sizes.stride_px;
}

std::vector<Tile> cut_into_tiles(int width, int height, const TileSizes& sizes) {
  RF_CHECK(width > 0 && height > 0 && sizes.side_px >= kMinTileSide);
  std::vector<Tile> tiles;
  for (const Stretch& row : cut(height, sizes)) {
    for (const Stretch& column : cut(width, sizes)) {
      tiles.push_back({column.begin,
                       row.begin,
                       column.length,
                       row.length,
                       {column.core_begin, row.core_begin, column.core_end, row.core_end}});
    }
  }
  return tiles;
}

}  // namespace retinaface::detection
