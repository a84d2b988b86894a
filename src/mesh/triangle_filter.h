#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include "mesh/vector.h"

namespace retinaface::mesh {

/// The triangles that may show their front at a pixel's centre, in their order: of a face's mesh on
/// a small raster a quarter, which spares most of what rasterising it takes. Rather a few too many:
/// who needs it exactly looks again. `kept` has room for all; returns how many there are.
std::size_t filter_triangles(std::span<const Vector> vertices,
                             std::span<const std::array<std::uint16_t, 3>> triangles, int width,
                             int height, std::span<std::uint16_t> kept);

}  // namespace retinaface::mesh
