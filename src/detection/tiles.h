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

/// The shortest side of tiles that callers may ask for, px; it leaves a core between the margins of
/// every model's tiles.
inline constexpr int kMinTileSide = 1280;

struct TileSizes {
  int side_px = 0;    ///< at least kMinTileSide
  int margin_px = 0;  ///< a tile reaches at least as far over its core, where there is more image
  /// A multiple of all strides of the model (coarsest_stride, detection/anchors.h): origins of
  /// tiles are multiples of it, so that their anchors are those of the whole image.
  int stride_px = 0;
};

/// margin_px, rounded up to a multiple of the stride.
int tile_margin(const TileSizes& sizes);

/// Cuts an image into square tiles, smaller at its right and lower edge. The cores cover all of the
/// plane and overlap by a few pixels, so that no face falls between two; suppression removes those
/// found twice. The side must leave a core of one stride between the margins.
std::vector<Tile> cut_into_tiles(int width, int height, const TileSizes& sizes);

}  // namespace retinaface::detection
