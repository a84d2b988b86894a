#include "detection/tiles.h"

#include <array>
#include <cstdint>
#include <utility>

#include <gtest/gtest.h>

#include "detection/anchors.h"
#include "geometry/box.h"
#include "models/catalogue.h"

namespace retinaface::detection {
namespace {

/// Of the default model.
TileSizes sizes_of(int side) {
  return {.side_px = side, .margin_px = 320, .stride_px = 32};
}

TEST(CutIntoTiles, ASmallImageIsOneTile) {
  const auto tiles = cut_into_tiles(1280, 700, sizes_of(1280));
  ASSERT_EQ(tiles.size(), 1U);
  EXPECT_EQ(tiles[0].width, 1280);
  EXPECT_EQ(tiles[0].height, 700);
  EXPECT_TRUE(contains(tiles[0].core, {-50, 2000}));
}

TEST(CutIntoTiles, EveryPointIsInACoreWithImageAroundIt) {
  for (const auto& [width, height, side] :
       {std::array{1281, 1280, 1280}, {5000, 3001, 1300}, {20000, 90, 4096}, {4097, 9000, 4096}}) {
    const auto tiles = cut_into_tiles(width, height, sizes_of(side));
    for (const Tile& tile : tiles) {
      EXPECT_EQ(tile.x % 32, 0);
      EXPECT_EQ(tile.y % 32, 0);
      EXPECT_LE(tile.width, side);
      EXPECT_LE(tile.height, side);
      EXPECT_GE(tile.x, 0);
      EXPECT_LE(tile.x + tile.width, width);
      EXPECT_LE(tile.y + tile.height, height);
    }
    for (int y = 0; y < height; y += 7) {
      for (int x = 0; x < width; x += 11) {
        const Point point = {static_cast<float>(x), static_cast<float>(y)};
        int owners = 0;
        for (const Tile& tile : tiles) {
          if (!contains(tile.core, point)) continue;
          ++owners;
          // Margin on all sides, less the overlap of the cores, or the image's edge.
          constexpr int kAround = 320 - 16;
          EXPECT_TRUE(tile.x == 0 || x - tile.x >= kAround);
          EXPECT_TRUE(tile.y == 0 || y - tile.y >= kAround);
          EXPECT_TRUE(tile.x + tile.width == width || tile.x + tile.width - x >= kAround);
          EXPECT_TRUE(tile.y + tile.height == height || tile.y + tile.height - y >= kAround);
        }
        ASSERT_GE(owners, 1) << x << ", " << y;
        ASSERT_LE(owners, 4);
      }
    }
  }
}

TEST(CutIntoTiles, TheShortestSideLeavesACoreForEveryRow) {
  for (const models::Model& model : models::catalogue()) {
    const int stride = coarsest_stride(model.detector().anchors);
    const TileSizes sizes = {.side_px = kMinTileSide,
                             .margin_px = model.detector().search.tile_margin_px,
                             .stride_px = stride};
    EXPECT_GE(kMinTileSide - 2 * tile_margin(sizes), stride) << model.name;
  }
}

TEST(CutIntoTiles, TheMarginIsAMultipleOfTheStride) {
  for (const int stride : {4, 32, 64, 128, 96}) {
    const int margin = tile_margin({.margin_px = 320, .stride_px = stride});
    EXPECT_EQ(margin % stride, 0);
    EXPECT_GE(margin, 320);
    EXPECT_LT(margin, 320 + stride);
  }
}

TEST(CutIntoTiles, AnchorsAreThoseOfTheWholeImageForEveryRow) {
  constexpr int kWidth = 4999;
  constexpr int kHeight = 3001;
  for (const models::Model& model : models::catalogue()) {
    const int margin = model.detector().search.tile_margin_px;
    const int stride = coarsest_stride(model.detector().anchors);
    for (const int side : {1280, 1281, 1312, 1333, 1343, 1407, 2047}) {
      for (const Tile& tile : cut_into_tiles(kWidth, kHeight, {side, margin, stride})) {
        for (const models::AnchorLevel& level : model.detector().anchors.levels) {
          // The grids are regular: the first and the last cell of the tile's tell of all.
          const Grid grid = grid_of(level, tile.height, tile.width);
          const Grid whole = grid_of(level, kHeight, kWidth);
          const std::int64_t row = tile.y / level.stride_px;
          const std::int64_t column = tile.x / level.stride_px;
          ASSERT_LE(row + grid.height, whole.height);
          ASSERT_LE(column + grid.width, whole.width);
          for (const auto& [y, x] :
               {std::pair{std::int64_t{0}, std::int64_t{0}}, {grid.height - 1, grid.width - 1}}) {
            Anchor in_tile = anchor_at(level, y, x, 0);
            in_tile.center.x += static_cast<float>(tile.x);
            in_tile.center.y += static_cast<float>(tile.y);
            ASSERT_EQ(in_tile, anchor_at(level, row + y, column + x, 0))
                << model.name << ", tiles of " << side << ", stride " << level.stride_px;
          }
        }
      }
    }
  }
}

}  // namespace
}  // namespace retinaface::detection
