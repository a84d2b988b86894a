#include "detection/tiles.h"

#include <gtest/gtest.h>

#include "geometry/box.h"

namespace retinaface::detection {
namespace {

TEST(CutIntoTiles, ASmallImageIsOneTile) {
  const auto tiles = cut_into_tiles(1280, 700, 1280);
  ASSERT_EQ(tiles.size(), 1U);
  EXPECT_EQ(tiles[0].width, 1280);
  EXPECT_EQ(tiles[0].height, 700);
  EXPECT_TRUE(contains(tiles[0].core, {-50, 2000}));
}

TEST(CutIntoTiles, EveryPointIsInACoreWithImageAroundIt) {
  for (const auto& [width, height, side] :
       {std::array{1281, 1280, 1280}, {5000, 3001, 1300}, {20000, 90, 4096}, {4097, 9000, 4096}}) {
    const auto tiles = cut_into_tiles(width, height, side);
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
          constexpr int kAround = kTileMargin - 16;
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

}  // namespace
}  // namespace retinaface::detection
