#pragma once

#include <cstddef>
#include <vector>

namespace retinaface::runtime {

/// A piece of scratch memory that is needed from step `first` to step `last`, both included.
struct Lifetime {
  std::size_t bytes = 0;
  std::size_t first = 0;
  std::size_t last = 0;
};

struct ArenaPlan {
  std::vector<std::size_t> offsets;  ///< in bytes, by piece, each a multiple of kArenaAlignment
  std::size_t bytes = 0;             ///< of the whole arena
};

inline constexpr std::size_t kArenaAlignment = 64;

/// Places the pieces so that no two that are needed at the same time overlap: largest first, each
/// at the lowest offset that is free during its lifetime (greedy by size; Pisarchyk and Lee 2020).
ArenaPlan plan_arena(const std::vector<Lifetime>& pieces);

}  // namespace retinaface::runtime
