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

/// How many pixels at least a tile reaches over its core, where there is more image: what the
/// network sees around a face, and half of a large face.
inline constexpr int kMinTileMargin = 320;

/// The shortest side of tiles that callers may ask for, px.
inline constexpr int kMinTileSide = 4 * kMinTileMargin;

/// kMinTileMargin, rounded up to a multiple of `stride_px`.
int tile_margin(int stride_px);

/// Cuts an image into tiles of `side` x `side` px, smaller at its right and lower edge. Their
/// origins are multiples of `stride_px`, a multiple of all strides of the model
/// (coarsest_stride, detection/anchors.h), so that their anchors are those of the whole image.
/// The cores cover all of the plane and overlap by a few pixels, so that no face falls between
/// two; suppression removes those found twice. `side` is at least kMinTileSide and leaves a core
/// of one stride between the margins.
std::vector<Tile> cut_into_tiles(int width, int height, int side, int stride_px);

}  // namespace retinaface::detection
