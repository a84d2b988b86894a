#pragma once

#include <vector>

#include "retinaface/geometry.h"

namespace retinaface::detection {

/// A part of a large image that is worked on by itself, and the part of it whose faces count.
struct Tile {
  int x = 0;  ///< left edge in the image, px
  int y = 0;
  int width = 0;
  int height = 0;
  Box core;  ///< in pixels of the image; faces with their centre here are this tile's
};

/// Pixels that a tile reaches over its core, where there is more image: what the network sees
/// around a face, and half of a large face.
inline constexpr int kTileMargin = 320;

/// Cuts an image into tiles of `side` x `side` px, smaller at its right and lower edge. Their
/// origins are multiples of 32, the coarsest stride, so that the anchors are those of the whole
/// image. The cores cover all of the plane and overlap by a few pixels, so that no face falls
/// between two; suppression removes those found twice. `side` is at least 4 * kTileMargin.
std::vector<Tile> cut_into_tiles(int width, int height, int side);

}  // namespace retinaface::detection
