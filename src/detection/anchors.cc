#include "detection/anchors.h"

#include <algorithm>

#include "base/check.h"

namespace retinaface::detection {

Grid grid_of(const models::AnchorLevel& level, std::int64_t height, std::int64_t width) {
  const auto cells = [&](std::int64_t side) {
    return (side + level.stride_px - 1) / level.stride_px;
  };
  return {cells(height), cells(width)};
}

int coarsest_stride(const models::AnchorFamily& family) {
  RF_CHECK(!family.levels.empty());
  const int coarsest =
      std::ranges::max(family.levels, {}, &models::AnchorLevel::stride_px).stride_px;
  for (const models::AnchorLevel& level : family.levels) RF_CHECK(coarsest % level.stride_px == 0);
  return coarsest;
}

std::int64_t anchor_count(const models::AnchorFamily& family, std::int64_t height,
                          std::int64_t width) {
  std::int64_t count = 0;
  for (const models::AnchorLevel& level : family.levels) {
    const Grid grid = grid_of(level, height, width);
    count += grid.height * grid.width * static_cast<std::int64_t>(level.sizes_px.size());
  }
  return count;
}

std::vector<Anchor> make_anchors(const models::AnchorFamily& family, std::int64_t height,
                                 std::int64_t width) {
  std::vector<Anchor> anchors;
  anchors.reserve(static_cast<std::size_t>(anchor_count(family, height, width)));
  for (const models::AnchorLevel& level : family.levels) {
    const Grid grid = grid_of(level, height, width);
    for (std::int64_t row = 0; row < grid.height; ++row) {
      for (std::int64_t column = 0; column < grid.width; ++column) {
        for (std::size_t index = 0; index < level.sizes_px.size(); ++index) {
          anchors.push_back(anchor_at(level, row, column, index));
        }
      }
    }
  }
  return anchors;
}

}  // namespace retinaface::detection
