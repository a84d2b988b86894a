#pragma once

#include <cstddef>
#include <cstdint>
#include <oneapi/dnnl/dnnl.hpp>
#include <vector>

#include "graph/graph.h"
#include "runtime/arena.h"
#include "runtime/cpu/plan.h"
#include "runtime/lowering.h"

namespace retinaface::runtime::cpu {

/// The shapes of a lowered graph's values for one size of image, and which calls need them: from
/// that, their places in the arena.
class MapPlacement {
 public:
  /// `lowered` outlives the placement.
  MapPlacement(const LoweredGraph& lowered, std::int64_t height, std::int64_t width);

  graph::Shape shape(ValueId id) const;
  graph::DataType type(ValueId id) const { return value(root_of(lowered_, id)).type; }

  /// Of a map of floats: the image is planar, everything else is blocked. A part of a map, which
  /// starts at a whole block, lies in memory as a map of its own does (there is one image).
  dnnl::memory::desc desc(ValueId id) const;

  /// The same with as many channels as the blocks in memory have. Those beyond the map's own are 0,
  /// and must be 0 again in what is written so: a function that keeps 0, sums of products with
  /// weights of 0. The library runs such whole blocks by code that it makes for the processor, and
  /// what fills none by plain loops.
  dnnl::memory::desc whole_desc(ValueId id) const;

  /// From now on places are asked for by call number `call`.
  void begin_call(std::size_t call) { call_ = call; }

  // Places lie within their pieces until the arena is planned.

  /// The value is needed by the call.
  Place place_of(ValueId id);
  MapPlace map_of(ValueId id);
  /// Memory for the call alone.
  Place scratch(std::size_t bytes);
  /// Channels with those that fill up the last block.
  static std::int64_t whole_channels(std::int64_t channels);
  /// The value in a ring of so many rows that `ring` is for the value's root.
  MapPlace ring_of(ValueId id, const Place& ring, std::int64_t rows) const;
  /// The value is needed after the last call.
  void keep(ValueId id, std::size_t calls) { use(id, calls); }

  ArenaPlan plan() const { return plan_arena(pieces_); }
  /// The piece of the arena that holds a value that was asked for.
  std::size_t piece_of(ValueId id) const;

  std::int64_t first_channel_in_root(ValueId id) const;

 private:
  const Value& value(ValueId id) const { return lowered_.values[static_cast<std::size_t>(id)]; }
  /// Of a map of bytes.
  std::int64_t cell_bytes(ValueId id) const;
  /// Of a map that is no part of another.
  std::size_t bytes_of(ValueId whole) const;
  /// Height and width of each value's root, by following the steps.
  void infer_shapes(std::int64_t height, std::int64_t width);
  /// Notes that a call needs the value; returns the number of its piece of the arena.
  std::size_t use(ValueId id, std::size_t call);

  const LoweredGraph& lowered_;
  std::size_t call_ = 0;
  std::vector<graph::Shape> shapes_;  // by root
  std::vector<Lifetime> pieces_;
  std::vector<std::size_t> pieces_by_root_;
};

}  // namespace retinaface::runtime::cpu
