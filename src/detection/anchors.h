#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "retinaface/geometry.h"

#include "models/catalogue.h"

namespace retinaface::detection {

/// A square reference box, in pixels of the network's input.
struct Anchor {
  Point center;
  float size_px = 0;

  friend bool operator==(const Anchor&, const Anchor&) = default;
};

/// Cells of the grid of one level on an image: ceil(side / stride), what a chain of stride-2
/// convolutions with "same" padding leaves.
struct Grid {
  std::int64_t height = 0;
  std::int64_t width = 0;
};

Grid grid_of(const models::AnchorLevel& level, std::int64_t height, std::int64_t width);

/// The stride of the model's coarsest level: a shift of the image by a multiple of it, which is one
/// of all other strides too, leaves the anchors where they are in the image.
int coarsest_stride(const models::AnchorFamily& family);

/// Anchors of an image of height x width pixels.
std::int64_t anchor_count(const models::AnchorFamily& family, std::int64_t height,
                          std::int64_t width);

/// The anchor number `index` of cell (row, column).
inline Anchor anchor_at(const models::AnchorLevel& level, std::int64_t row, std::int64_t column,
                        std::size_t index) {
  const auto stride = static_cast<float>(level.stride_px);
  return {{(static_cast<float>(column) + 0.5F) * stride, (static_cast<float>(row) + 0.5F) * stride},
          level.sizes_px[index]};
}

/// All anchors of an image of height x width pixels, in the one order that the whole project
/// uses: level, row, column, index in the cell.
std::vector<Anchor> make_anchors(const models::AnchorFamily& family, std::int64_t height,
                                 std::int64_t width);

}  // namespace retinaface::detection
