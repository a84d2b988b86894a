#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "runtime/cpu/map_placement.h"
#include "runtime/cpu/schedule.h"
#include "runtime/cpu/strips.h"
#include "runtime/lowering.h"

namespace retinaface::runtime::cpu {

/// Tasks of a schedule to run in strips.
struct Strips {
  std::vector<std::size_t> tasks;  ///< ascending
  std::vector<ValueId> maps;       ///< roots that they write; StripLayer counts them
  std::vector<bool> are_between;   ///< by map: no other task reads or writes it
  std::vector<StripLayer> layers;  ///< by task
  std::int64_t height = 0;
};

/// Those of the tasks on maps of each size whose largest has more than `cached_floats`.
std::vector<Strips> find_strips(const LoweredGraph& lowered, const std::vector<Task>& schedule,
                                const MapPlacement& maps, std::int64_t cached_floats);

}  // namespace retinaface::runtime::cpu
