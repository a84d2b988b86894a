#pragma once

#include <cstddef>
#include <cstdint>
#include <set>
#include <span>
#include <vector>

#include "runtime/kernels/map.h"

namespace retinaface::runtime::cpu {

// Layers in strips: what follows each other, or branches and meets again, on maps that no cache
// holds. Each layer runs a few rows as soon as those that it reads have them, so that of a map
// between them only the last rows are in memory, as a ring, and these in the cache. (A ChainTask is
// the same of layers in a line, for maps of all sizes.)

/// Rows at once of layers to which all are alike, as many as Winograd's tiles have.
inline constexpr std::int64_t kStripRows = 4;

/// What a layer does with the maps that layers of the strips write, by their numbers.
struct StripLayer {
  std::set<std::size_t> reads;
  std::set<std::size_t> writes;  ///< what is in `reads` too is changed in place
  std::int64_t reach = 0;        ///< rows above and below a row that it is computed of
  std::int64_t rows_at_once = kStripRows;
};

/// Rows that one of the layers computes.
struct StripTurn {
  std::size_t layer = 0;
  kernels::RowRange rows;
};

/// An order in which every row of maps of `height` rows is computed once, after all that it is
/// computed of, and little before it is needed. `layers` are in an order in which they could run
/// one after the other.
std::vector<StripTurn> take_turns(std::span<const StripLayer> layers, std::int64_t height);

/// How many rows of each of `maps` maps there must be, so that none is overwritten that a turn
/// still reads: a multiple of the rows at once of what writes it, or all. Maps that one layer
/// writes have as many.
std::vector<std::int64_t> ring_rows(std::span<const StripLayer> layers,
                                    std::span<const StripTurn> turns, std::size_t maps,
                                    std::int64_t height);

}  // namespace retinaface::runtime::cpu
